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
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/test/bufconn"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// fakeService records the order in which its methods are called and return.
type fakeService struct {
	handle http.HandlerFunc
	run    func(ctx context.Context) error

	mu    sync.Mutex
	lines []string
}

func (s *fakeService) write(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *fakeService) Handler() http.Handler { return s.handle }
func (s *fakeService) Close()                { s.write("closed") }

func (s *fakeService) Metrics() prometheus.Gatherer     { return prometheus.NewRegistry() }
func (s *fakeService) Ready(context.Context) error      { return nil }
func (s *fakeService) Dependencies() []readiness.Status { return nil }

func (s *fakeService) open(context.Context, event.Bus) (service, error) { return s, nil }

func (s *fakeService) Run(ctx context.Context) error {
	defer s.write("ran")
	return s.run(ctx)
}

// fakeBus is an event.Bus that can only be closed. It is also an eventBus whose method connect returns the fakeBus.
type fakeBus struct {
	event.Bus
	close func()
}

func (b fakeBus) Close() { b.close() }

func (b fakeBus) connect(context.Context, *slog.Logger) (event.Bus, error) { return b, nil }
func (b fakeBus) createTopics(context.Context, event.Bus) error            { return nil }
func (b fakeBus) setting() string                                          { return "LOYALTY_BUS" }

// TestServeStopsInOrder sends a request that lasts longer than the shutdown budget. The server must cancel the request early
// enough for the service to stop, and must close nothing that is still in use.
func TestServeStopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := new(fakeService)
		s.handle = func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
			s.write("answered")
		}
		var left time.Duration
		s.run = func(ctx context.Context) error {
			<-ctx.Done()
			s.write("service stops")
			end, _ := lifecycle.Deadline(ctx)
			left = time.Until(end)
			return nil
		}
		listener := bufconn.Listen(64 << 10)
		client := &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.DialContext(ctx) },
		}}
		var sending sync.WaitGroup
		sending.Go(func() {
			if resp, err := client.Get("http://loyalty.test"); err == nil {
				_ = resp.Body.Close()
				t.Errorf("the canceled request was answered with status %d", resp.StatusCode)
			}
		})
		bus := fakeBus{close: func() { s.write("bus closed") }}
		err := process{timeout: shutdownTimeout, log: slog.New(slog.DiscardHandler)}.serveOn(ctx, listener, s, bus)
		sending.Wait()
		if left < shutdownTimeout/3 || left > shutdownTimeout {
			t.Errorf("the service had %s to stop, want at least a third of %s", left, shutdownTimeout)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("serveOn = %v, want context.DeadlineExceeded because of the canceled request", err)
		}
		if want := []string{"answered", "service stops", "ran", "closed", "bus closed"}; !slices.Equal(s.lines, want) {
			t.Errorf("events %v, want %v", s.lines, want)
		}
	})
}

func TestServeClosesNothingAfterTimeout(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := &fakeService{run: func(context.Context) error { <-release; return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	bus := fakeBus{close: func() { t.Error("the bus was closed") }}
	err := process{
		name: "test", listen: "127.0.0.1:0", diagnostics: "127.0.0.1:0", timeout: 50 * time.Millisecond,
		log: slog.New(slog.DiscardHandler), bus: bus, open: s.open,
	}.serve(ctx)
	if err == nil || !strings.Contains(err.Error(), "service: stop timed out") {
		t.Errorf("serve = %v, want \"service: stop timed out\"", err)
	}
	if s.mu.Lock(); len(s.lines) != 0 {
		t.Errorf("events %v, want none", s.lines)
	}
	s.mu.Unlock()
}

func TestServeAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	s := new(fakeService)
	bus := fakeBus{close: func() { s.write("bus closed") }}
	err = process{
		name: "test", listen: taken.Addr().String(), diagnostics: "127.0.0.1:0", timeout: time.Second,
		log: slog.New(slog.DiscardHandler), bus: bus, open: s.open,
	}.serve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "LOYALTY_LISTEN") {
		t.Errorf("serve = %v, want an error that names LOYALTY_LISTEN", err)
	}
	if want := []string{"closed", "bus closed"}; !slices.Equal(s.lines, want) {
		t.Errorf("events %v, want %v", s.lines, want)
	}
}
