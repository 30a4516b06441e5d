package jetstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
)

// TestOutage stops the server after events were published, and starts it again. All acknowledged events must be delivered,
// in order per key. The log has one line about the beginning of the outage and one about its end.
func TestOutage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
	defer cancel()
	dir := t.TempDir()
	s := startServer(t, dir, server.RANDOM_PORT)
	var log logstest.Buffer
	bus, err := jetstream.New(ctx, jetstream.Config{URL: s.ClientURL(), Name: "test"}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	if err := bus.EnsureTopics(ctx, 0, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	var running sync.WaitGroup
	running.Go(func() {
		handle := func(ctx context.Context, e event.Event) error {
			defer rec.Enter(e)()
			return rec.Handle(ctx, e)
		}
		err := bus.Subscribe(ctx, event.Subscription{Group: "g", Topic: "t", Handler: handle})
		if err != nil {
			t.Error(err)
		}
	})
	const keys, before, after = 4, 50, 50
	publish := func(n int) error {
		var batch []event.Event
		for k := range keys {
			key := fmt.Sprintf("key-%d", k)
			batch = append(batch, event.Event{
				ID: fmt.Sprintf("%s/%d#", key, n), Source: "/test", Type: "t", Topic: "t", Key: key, Time: time.Now(),
			})
		}
		return bus.Publish(ctx, batch...)
	}
	for n := range before {
		if err := publish(n); err != nil {
			t.Fatal(err)
		}
	}
	rec.Wait(t, 1)

	stopServer(s)
	if bus.Ping(ctx) == nil {
		t.Error("Ping without a server returned no error")
	}
	port, err := strconv.Atoi(mustParse(t, s.ClientURL()).Port())
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, dir, port)

	for n := before; n < before+after; n++ {
		for publish(n) != nil {
			if ctx.Err() != nil {
				t.Fatal("the bus did not recover")
			}
		}
	}
	rec.Wait(t, keys*(before+after))
	rec.Check(t)
	cancel()
	running.Wait()
	for msg, want := range map[string]int{"disconnected, reconnecting": 1, "msg=reconnected": 1} {
		if n := log.Count(msg); n != want {
			t.Errorf("%q is logged %d times, want %d", msg, n, want)
		}
	}
	log.CheckRepeats(t)
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newBus(t *testing.T, cfg jetstream.Config) *jetstream.Bus {
	t.Helper()
	cfg.Name = "test"
	bus, err := jetstream.New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// TestSlowHandler runs a handler that takes several times as long as AckWait. Each event must be delivered once.
func TestSlowHandler(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	cfg := jetstream.Config{URL: s.ClientURL(), AckWait: time.Second}
	bus := newBus(t, cfg)
	if err := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rec := eventtest.NewRecorder()
	var running sync.WaitGroup
	for _, member := range []*jetstream.Bus{bus, newBus(t, cfg)} {
		running.Go(func() {
			handle := func(ctx context.Context, e event.Event) error {
				defer rec.Enter(e)()
				if e.ID == "k/0#" {
					_ = backoff.Sleep(ctx, 3*cfg.AckWait)
				}
				return rec.Handle(ctx, e)
			}
			err := member.Subscribe(ctx, event.Subscription{Group: "g", Topic: "t", Handler: handle})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for n := range 2 {
		e := event.Event{ID: fmt.Sprintf("k/%d#", n), Source: "/test", Type: "t", Topic: "t", Key: "k", Time: time.Now()}
		if err := bus.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	rec.Wait(t, 2)
	rec.Check(t)
	if n := len(rec.Seen()); n != 2 {
		t.Errorf("%d deliveries of 2 events, want 2", n)
	}
	cancel()
	running.Wait()
}

// TestWire checks a published message as other clients see it.
func TestWire(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	bus := newBus(t, jetstream.Config{URL: s.ClientURL()})
	if err := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "players", Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	err := bus.Publish(t.Context(), event.Event{
		ID: "0198", Source: "/loyalty/users", Type: "loyalty.users.v1.PLAYER_REGISTERED", Topic: "players", Key: "ü 1",
		Time: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), ContentType: event.ContentProtobuf, Data: []byte{1, 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "loyalty_players_v1")
	if err != nil {
		t.Fatal(err)
	}
	if age := stream.CachedInfo().Config.MaxAge; age != time.Hour {
		t.Errorf("MaxAge = %s, want 1h", age)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Subject, "loyalty.players.v1.") || string(m.Data) != "\x01\x02" {
		t.Errorf("subject %s, data %q; want loyalty.players.v1.* and \"\\x01\\x02\"", m.Subject, m.Data)
	}
	want := nats.Header{
		"ce-specversion":  {"1.0"},
		"ce-id":           {"0198"},
		"ce-source":       {"/loyalty/users"},
		"ce-type":         {"loyalty.users.v1.PLAYER_REGISTERED"},
		"ce-time":         {"2026-03-10T12:00:00Z"},
		"ce-partitionkey": {"%C3%BC%201"},
		"content-type":    {"application/protobuf"},
		"Nats-Msg-Id":     {"0198"},
	}
	if !reflect.DeepEqual(m.Header, want) {
		t.Errorf("headers are %v, want %v", m.Header, want)
	}
	if _, err := js.Stream(t.Context(), "loyalty_players_dlq_v1"); err != nil {
		t.Errorf("stream of the dead letters: %v", err)
	}
}

func TestNewRefusesInvalidConfig(t *testing.T) {
	for want, cfg := range map[string]jetstream.Config{
		"no url":          {Name: "n"},
		"no client name":  {URL: "nats://localhost"},
		"url 1 of 1":      {Name: "n", URL: "nats://u:secret@local host:port"},
		"url 2 of 2":      {Name: "n", URL: "nats://localhost,nats://u:sec/ret@host"},
		"url 2 of 3":      {Name: "n", URL: "nats://localhost,,nats://localhost"},
		"scheme \"http\"": {Name: "n", URL: "http://u:secret@localhost"},
	} {
		_, err := jetstream.New(t.Context(), cfg, slog.Default())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sec") {
			t.Errorf("New returned %v, want an error with %q and without the password", err, want)
		}
	}
}
