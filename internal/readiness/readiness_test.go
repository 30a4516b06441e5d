package readiness_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// server is a dependency that can be unavailable.
type server struct{ down atomic.Bool }

func (s *server) check(context.Context) error {
	if s.down.Load() {
		return errors.New("connection refused")
	}
	return nil
}

func TestEachOutageIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var database, redis, relay server
		m := readiness.New("users", slog.New(slog.NewTextHandler(&log, nil)),
			readiness.Check{Dependency: "database", Run: database.check},
			readiness.Check{Dependency: "Redis", Run: redis.check},
			readiness.Check{Dependency: "relay", Run: relay.check, Silent: true})
		var changes []bool
		m.OnChange("Redis", func(available bool) { changes = append(changes, available) })
		database.down.Store(true) // at the start
		relay.down.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		check := func(want string) {
			t.Helper()
			time.Sleep(time.Minute)
			got := ""
			if err := m.Check(ctx); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("Check = %q, want %q", got, want)
			}
		}
		check("users: database: connection refused")
		database.down.Store(false)
		check("users: relay: connection refused")
		relay.down.Store(false)
		check("")
		redis.down.Store(true)
		check("users: Redis: connection refused")
		redis.down.Store(false)
		check("")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		database.down.Store(true) // as after its connections were closed
		if err := m.Check(t.Context()); err == nil {
			t.Error("Check = nil without a database")
		}
		if want := []bool{true, false, true}; !slices.Equal(changes, want) {
			t.Errorf("changes %v, want %v", changes, want)
		}
		for text, want := range map[string]int{
			`not ready: database unavailable" error="connection refused"`: 1, `"database available" after=`: 1,
			`not ready: Redis unavailable" error="connection refused"`: 1, `"Redis available" after=`: 1, "\n": 4,
		} {
			if n := strings.Count(log.String(), text); n != want {
				t.Errorf("the log has %d lines with %s, want %d:\n%s", n, text, want, &log)
			}
		}
	})
}

// A client that disconnects must not make the service unready, and a dependency that does not answer must not block a client.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var hang atomic.Bool
		m := readiness.New("users", slog.New(slog.NewTextHandler(&log, nil)),
			readiness.Check{Dependency: "database", Run: func(ctx context.Context) error {
				if !hang.Load() {
					return ctx.Err()
				}
				<-ctx.Done()
				return ctx.Err()
			}})
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_ = m.Check(canceled)
		synctest.Wait()
		if log.Len() > 0 {
			t.Errorf("a client disconnected: got log %s, want none", &log)
		}
		hang.Store(true)
		if err := m.Check(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Check = %v, want a timeout", err)
		}
		if !strings.Contains(log.String(), "no answer within 2s") {
			t.Errorf("the log does not contain the timeout: %s", &log)
		}
	})
}
