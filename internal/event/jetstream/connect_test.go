package jetstream_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// runWithoutJetStream starts a server without JetStream and returns its address.
func runWithoutJetStream(t *testing.T, o *server.Options) (address string) {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopServer(s) })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s.Addr().String()
}

// unusedAddress returns an address on which nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// runClosing starts a server that closes every connection.
func runClosing(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String()
}

// TestConnectErrors checks the errors of the operations that a service runs at its start and that operator commands run. An
// error names each server and its problem, but no password.
func TestConnectErrors(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	closing := runClosing(t)
	one, two := unusedAddress(t), unusedAddress(t)
	password := runWithoutJetStream(t, &server.Options{Username: "loyalty", Password: "right"})
	token := runWithoutJetStream(t, &server.Options{Authorization: "right"})
	plain := runWithoutJetStream(t, &server.Options{})
	encrypted := runWithoutJetStream(t, &server.Options{TLS: true, TLSConfig: &tls.Config{
		Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12,
	}})
	unreachable := []string{"nothing listens", "no scheme", "several servers", "unresolvable name", "not a NATS server"}
	for name, tt := range map[string]struct {
		url  string
		want []string
	}{
		"nothing listens": {"nats://" + one, []string{"nats://" + one, "connection refused"}},
		"no scheme":       {one, []string{"nats://" + one, "connection refused"}},
		"several servers": {
			"nats://u:secret@" + one + ", u:secret@" + two, []string{"nats://" + one + ": ", "nats://" + two + ": "},
		},
		"unresolvable name": {
			"nats://u:secret@nowhere.invalid:4222", []string{"nats://nowhere.invalid:4222: ", "lookup nowhere.invalid"},
		},
		"wrong password":        {"nats://loyalty:secret@" + password, []string{"nats://" + password, "Authorization Violation"}},
		"no password":           {"nats://" + password, []string{"nats://" + password, "Authorization Violation"}},
		"wrong token":           {"nats://secret@" + token, []string{"nats://" + token, "Authorization Violation"}},
		"server without TLS":    {"tls://u:secret@" + plain, []string{"tls://" + plain, "secure connection not available"}},
		"untrusted certificate": {"nats://u:secret@" + encrypted, []string{"nats://" + encrypted, "certificate"}},
		"not a NATS server":     {"nats://u:secret@" + closing, []string{"nats://" + closing + ": "}},
		"different per server": {
			"nats://loyalty:secret@" + password + ",nats://" + one, []string{"Authorization Violation", "connection refused"},
		},
		"server without streams": {"nats://u:secret@" + plain, []string{"JetStream is not available on nats://" + plain}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := newBus(t, jetstream.Config{URL: tt.url})
			_, depth := bus.Depth(t.Context(), "t")
			_, replay := bus.Replay(t.Context(), "t")
			ensure := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "t"})
			wantUnreachable := slices.Contains(unreachable, name)
			if _, got := errors.AsType[*readiness.UnreachableError](ensure); got != wantUnreachable {
				t.Errorf("EnsureTopics returned %v, an UnreachableError: %t, want %t", ensure, got, wantUnreachable)
			}
			for operation, err := range map[string]error{
				"Ping":         bus.Ping(t.Context()),
				"EnsureTopics": ensure,
				"DeadLetters":  bus.DeadLetters(t.Context(), "t", nil),
				"Depth":        depth,
				"Replay":       replay,
			} {
				if err == nil {
					t.Errorf("%s returned no error", operation)
					continue
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s returned %q, want an error with %q", operation, err, want)
					}
				}
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "deadline") {
					t.Errorf("%s returned %q, want an error without the password and the word deadline", operation, err)
				}
			}
		})
	}
}

func TestOneOfSeveralServersIsAvailable(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	bus := newBus(t, jetstream.Config{URL: "nats://" + unusedAddress(t) + "," + s.ClientURL()})
	if err := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Error(err)
	}
}

// TestServerStartsLater starts the server after the client. The first operation connects.
func TestServerStartsLater(t *testing.T) {
	t.Parallel()
	address := unusedAddress(t)
	bus := newBus(t, jetstream.Config{URL: "nats://" + address})
	_, text, _ := net.SplitHostPort(address)
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, t.TempDir(), port)
	if err := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Error(err)
	}
}
