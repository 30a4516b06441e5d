package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// stand is a service, and its bus, that notes what happens to it.
type stand struct {
	handle http.HandlerFunc
	run    func(ctx context.Context) error

	mu    sync.Mutex
	lines []string
}

func (s *stand) write(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *stand) Handler() http.Handler { return s.handle }
func (s *stand) Close()                { s.write("closed") }

func (s *stand) Run(ctx context.Context) error {
	defer s.write("ran")
	return s.run(ctx)
}

type closer func()

func (c closer) Close() { c() }

// A request takes more time than there is: it is cut off in time for the service, and nothing is closed while anything still
// runs.
func TestAStopIsInTimeAndInOrder(t *testing.T) {
	const stopping = 5 * time.Second
	entered := make(chan struct{})
	s := new(stand)
	s.handle = func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		s.write("answered")
	}
	var left time.Duration
	s.run = func(ctx context.Context) error {
		<-ctx.Done()
		s.write("told")
		end, _ := lifecycle.Deadline(ctx)
		left = time.Until(end)
		return nil
	}
	address := free(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for { // until it listens
			resp, err := http.Get("http://" + address)
			if err == nil {
				_ = resp.Body.Close()
			}
			select {
			case <-entered:
				return
			case <-ctx.Done():
				return
			default:
			}
		}
	}()
	go func() {
		select {
		case <-entered:
		case <-t.Context().Done():
		}
		cancel()
	}()
	bus := closer(func() { s.write("bus closed") })
	err := serve(ctx, address, s, bus, stopping, slog.New(slog.DiscardHandler))
	if left <= 0 || left > stopping {
		t.Errorf("the service had %s to stop", left)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopped with %v, want that a request was cut off", err)
	}
	if want := []string{"answered", "told", "ran", "closed", "bus closed"}; !slices.Equal(s.lines, want) {
		t.Errorf("it came %v, want %v", s.lines, want)
	}
}

func TestNothingIsClosedUnderAServiceThatRuns(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := &stand{run: func(context.Context) error { <-release; return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	bus := closer(func() { t.Error("the bus was closed") })
	err := serve(ctx, "127.0.0.1:0", s, bus, 50*time.Millisecond, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "service did not stop in time") {
		t.Errorf("stopped with %v, want that the service is left behind", err)
	}
	if s.mu.Lock(); len(s.lines) != 0 {
		t.Errorf("it came %v", s.lines)
	}
	s.mu.Unlock()
}

func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	s := new(stand)
	bus := closer(func() { s.write("bus closed") })
	err = serve(t.Context(), taken.Addr().String(), s, bus, time.Second, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "LOYALTY_LISTEN") {
		t.Errorf("served with %v, want the setting that is wrong", err)
	}
	if want := []string{"closed", "bus closed"}; !slices.Equal(s.lines, want) {
		t.Errorf("it came %v, want %v", s.lines, want)
	}
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
