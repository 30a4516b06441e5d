package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
)

// forger has the topics "players" and "other", and writes dead letters of players as a service with a program of its own can.
type forger struct {
	*testing.T
	ctx  context.Context
	bus  *jetstream.Bus
	conn *nats.Conn
	js   natsjs.JetStream
}

func newForger(t *testing.T) *forger {
	t.Helper()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
	t.Cleanup(cancel)
	f := &forger{T: t, ctx: ctx, bus: newBus(t, jetstream.Config{URL: s.ClientURL()})}
	if err := f.bus.EnsureTopics(ctx, 0, 1, event.TopicSpec{Name: "players"}, event.TopicSpec{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.conn, err = nats.Connect(s.ClientURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.conn.Close)
	if f.js, err = natsjs.New(f.conn); err != nil {
		t.Fatal(err)
	}
	return f
}

// letter returns a dead letter of players, with other headers.
func (f *forger) letter(subject, id string, headers map[string]string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = []byte("{}")
	d := event.DeadLetter{Event: event.Event{Topic: "players"}, Group: "g", Attempts: 1, Offset: 1}
	for name, value := range d.Headers() {
		m.Header.Set(name, value)
	}
	for name, value := range headers {
		m.Header.Set(name, value)
	}
	m.Header.Set("ce-id", id)
	return m
}

func (f *forger) store(m *nats.Msg) {
	f.Helper()
	if _, err := f.js.PublishMsg(f.ctx, m); err != nil {
		f.Fatal(err)
	}
}

// deliver lets a consumer deliver the messages of a subject to another subject, as the answer to a request for messages.
func (f *forger) deliver(from, to string) {
	f.Helper()
	stream := strings.ReplaceAll(from[:strings.Index(from, ".v1")+3], ".", "_")
	consumer, err := f.js.CreateOrUpdateConsumer(f.ctx, stream, natsjs.ConsumerConfig{
		Durable: "forger", FilterSubject: from, AckPolicy: natsjs.AckExplicitPolicy,
	})
	if err != nil {
		f.Fatal(err)
	}
	request := fmt.Appendf(nil, `{"batch":%d,"no_wait":true}`, consumer.CachedInfo().NumPending)
	if err := f.conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+stream+".forger", to, request); err != nil {
		f.Fatal(err)
	}
}

// check waits for the dead letters of players. It checks that the list shows as invalid which of them are forged, and that
// a replay publishes and reports the same ones.
func (f *forger) check(valid, forged []string) {
	f.Helper()
	for depth := int64(0); depth < int64(len(valid)+len(forged)); {
		var err error
		if depth, err = f.bus.Depth(f.ctx, "players"); err != nil {
			f.Fatal(err)
		}
	}
	want, got := map[string]bool{}, map[string]bool{}
	for _, id := range valid {
		want[id] = true
	}
	for _, id := range forged {
		want[id] = false
	}
	err := f.bus.DeadLetters(f.ctx, "players", func(d event.DeadLetter) error {
		got[d.Event.ID] = d.Invalid == nil
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		f.Errorf("the dead letters are valid: %v, %v; want %v", got, err, want)
	}
	before := f.published()
	n, err := f.bus.Replay(f.ctx, "players")
	if n != len(valid) || f.published()-before != uint64(len(valid)) || len(forged) > 0 && !errors.Is(err, event.ErrInvalid) {
		f.Errorf("Replay = %d, %v; want %d and ErrInvalid", n, err, len(valid))
	}
	for id, isValid := range want {
		if !isValid && (err == nil || !strings.Contains(err.Error(), `"`+id+`"`)) {
			f.Errorf("the error of Replay does not name %q: %v", id, err)
		}
	}
	if n, err := f.bus.Depth(f.ctx, "players"); n != 0 || err != nil {
		f.Errorf("Depth = %d, %v after the replay, want 0", n, err)
	}
}

// published returns the number of messages in the stream of players.
func (f *forger) published() uint64 {
	f.Helper()
	stream, err := f.js.Stream(f.ctx, "loyalty_players_v1")
	if err != nil {
		f.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

const (
	playersDead = "loyalty.players.dlq.v1"
	playerZero  = "loyalty.players.v1.0"
)

// TestDeadLettersWithImpossiblePositions replays forged dead letters whose position cannot exist in the topic. They must not
// block the replay of the other dead letters.
func TestDeadLettersWithImpossiblePositions(t *testing.T) {
	f := newForger(t)
	var forged []string
	for _, headers := range []map[string]string{
		{"dlq-partition": "8"}, {"dlq-partition": "-2"}, {"dlq-partition": "2147483647"},
		{"dlq-offset": "0"}, {"dlq-offset": "-1"},
		{"dlq-offset": "0", "dlq-truncated": "true"}, {"dlq-offset": "-9223372036854775808", "dlq-truncated": "true"},
	} {
		id := fmt.Sprint(headers)
		forged = append(forged, id)
		f.store(f.letter(playersDead, id, headers))
	}
	f.store(f.letter(playersDead, "valid", nil))
	f.store(f.letter(playersDead, "valid without a partition", map[string]string{"dlq-partition": "-1"}))
	f.check([]string{"valid", "valid without a partition"}, forged)
}

// TestLargestDeadLetter replays a forged dead letter that has room neither for the headers of a replay nor for a message ID.
// It must not block the replay of the other dead letters.
func TestLargestDeadLetter(t *testing.T) {
	f := newForger(t)
	m := f.letter(playersDead, "large", nil)
	for _, name := range []string{"dlq-reason", "dlq-attempts", "dlq-partition", "dlq-time"} {
		delete(m.Header, name) // a replay adds more than it removes
	}
	m.Data = bytes.Repeat([]byte("x"), 1<<20)
	for err := nats.ErrMaxPayload; errors.Is(err, nats.ErrMaxPayload); m.Data = m.Data[1:] {
		_, err = f.js.PublishMsg(f.ctx, m)
	}
	f.store(f.letter(playersDead, "valid", nil))
	n, err := f.bus.Replay(f.ctx, "players")
	if n != 1 || !errors.Is(err, event.ErrTooLarge) || f.published() != 1 {
		t.Errorf("Replay = %d, %v; want 1 and ErrTooLarge", n, err)
	}
}

// TestForeignSubjects replays messages of another topic that a consumer delivered into the stream of the dead letters. The
// server stores them with their original subjects.
func TestForeignSubjects(t *testing.T) {
	f := newForger(t)
	const other = "loyalty.other.v1.0"
	for _, id := range []string{"forged 1", "forged 2"} {
		f.store(f.letter(other, id, nil))
	}
	f.deliver(other, playersDead)
	f.store(f.letter(playersDead, "valid", nil))
	f.check([]string{"valid"}, []string{"forged 1", "forged 2"})
}

// TestTruncatedLetterOfAForeignSubject replays a truncated dead letter whose event is at the position of a message of another
// topic, which a consumer delivered into the stream of the topic.
func TestTruncatedLetterOfAForeignSubject(t *testing.T) {
	f := newForger(t)
	const other = "loyalty.other.v1.0"
	f.store(f.letter(other, "forged", nil))
	f.deliver(other, playerZero)
	for f.published() == 0 {
		if f.ctx.Err() != nil {
			t.Fatal("the message was not delivered into the stream")
		}
	}
	f.store(f.letter(playersDead, "truncated", map[string]string{"dlq-truncated": "true"}))
	n, err := f.bus.Replay(f.ctx, "players")
	if n != 0 || !errors.Is(err, event.ErrInvalid) || !strings.Contains(err.Error(), other) || f.published() != 1 {
		t.Errorf("Replay = %d, %v; want 0 and an error that names %s", n, err, other)
	}
}
