package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// journal records lines in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) write(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// part returns a part that records name when it is stopped.
func (j *journal) part(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		j.write(name)
		return nil
	}
}

func TestPartsStopInReverseOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := lifecycle.New(ctx)
	var j journal
	g.OnStop("database", func(context.Context) error { j.write("database"); return nil })
	g.Go("consumer", j.part("consumer"))
	g.Go("server", j.part("server"))
	cancel()
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"server", "consumer", "database"}; !slices.Equal(j.lines, want) {
		t.Errorf("stopped in the order %v, want %v", j.lines, want)
	}
}

func TestFailingPartStopsTheGroup(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for name, tt := range map[string]struct {
		part func(context.Context) error
		want string
	}{
		"error":        {func(context.Context) error { return errBroken }, "consumer: broken"},
		"early return": {func(context.Context) error { return nil }, "consumer returned before it was stopped"},
		"own context cancelled": {
			func(context.Context) error { return context.Canceled }, "consumer returned before it was stopped: context canceled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := lifecycle.New(t.Context())
			var j journal
			g.Go("server", j.part("server"))
			g.Go("consumer", tt.part)
			cause := g.Wait()
			if cause == nil || cause.Error() != tt.want {
				t.Errorf("Wait = %v, want %q", cause, tt.want)
			}
			// Stop must not repeat the error of Wait.
			if err := g.Stop(t.Context()); err != nil || !slices.Equal(j.lines, []string{"server"}) {
				t.Errorf("Stop = %v after %v stopped, want nil after the server stopped", err, j.lines)
			}
		})
	}
}

func TestStopReportsPartsThatTimeOut(t *testing.T) {
	t.Parallel()
	g := lifecycle.New(t.Context())
	var j journal
	release := make(chan struct{})
	defer close(release)
	g.Go("server", j.part("server"))
	g.Go("stuck", func(context.Context) error { <-release; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Stop(ctx); err == nil {
		t.Error("Stop returned no error for a stuck part")
	}
}

func TestRunWithStopsPartsTogether(t *testing.T) {
	t.Parallel()
	g := lifecycle.New(t.Context())
	var j journal
	met := make(chan struct{})
	meet := func(ctx context.Context) error {
		<-ctx.Done()
		select {
		case met <- struct{}{}:
		case <-met:
		}
		j.write("met")
		return nil
	}
	g.Go("database", j.part("database"))
	g.Go("one", meet)
	g.OnStop("cache", func(context.Context) error { j.write("closed"); return nil })
	g.RunWith("two", meet)
	if err := g.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"met", "met", "closed", "database"}; !slices.Equal(j.lines, want) {
		t.Errorf("stopped in the order %v, want %v", j.lines, want)
	}
}

// The resources that a stuck part may still use must stay open: its group's cache, and the database of the outer group.
func TestResourcesStayOpenAfterATimeout(t *testing.T) { synctest.Test(t, testResourcesStayOpen) }

func testResourcesStayOpen(t *testing.T) {
	g := lifecycle.New(t.Context())
	var j journal
	release := make(chan struct{})
	defer close(release)
	g.Go("relay", j.part("relay"))
	g.OnStop("database", func(context.Context) error { j.write("database"); return nil })
	g.Go("service", func(ctx context.Context) error { // with its own group
		inner := lifecycle.New(ctx)
		inner.OnStop("cache", func(context.Context) error { j.write("cache"); return nil })
		inner.Go("consumer", func(ctx context.Context) error { <-release; return ctx.Err() })
		return inner.Run()
	})
	g.OnStop("log", func(context.Context) error { j.write("log"); return nil })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.Stop(ctx); err == nil || err.Error() != "service: consumer: stop timed out" {
		t.Errorf("Stop = %v, want an error that names the stuck consumer", err)
	}
	if want := []string{"log", "relay"}; !slices.Equal(j.lines, want) {
		t.Errorf("stopped %v, want %v", j.lines, want)
	}
}

func TestResourcesStayOpenAfterATimeoutInAFailedPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lifecycle.New(t.Context())
		release := make(chan struct{})
		defer close(release)
		g.OnStop("database", func(context.Context) error { t.Error("the database was closed"); return nil })
		g.Go("service", func(ctx context.Context) error {
			inner := lifecycle.New(ctx)
			inner.Go("stuck", func(ctx context.Context) error { <-release; return ctx.Err() })
			inner.Go("broken", func(context.Context) error { return errors.New("broken") })
			return inner.Run()
		})
		// Either group may report the timeout first.
		if err := g.Run(); err == nil || !strings.Contains(err.Error(), "stop timed out") {
			t.Errorf("Run = %v, want a stop that timed out", err)
		}
	})
}

// Every part uses its whole share of the time, three of them in an inner group. The stop must still end before the deadline.
func TestSharesFitTheDeadline(t *testing.T) { synctest.Test(t, testShares) }

func testShares(t *testing.T) {
	g := lifecycle.New(t.Context())
	var mu sync.Mutex
	var ends []time.Time
	slow := func(ctx context.Context) error {
		<-ctx.Done()
		finish, cancel := lifecycle.Finish(ctx)
		defer cancel()
		end, _ := finish.Deadline()
		mu.Lock()
		ends = append(ends, end)
		mu.Unlock()
		<-finish.Done()
		return nil
	}
	closed := false
	g.OnStop("database", func(context.Context) error { closed = true; return nil })
	g.Go("service", func(ctx context.Context) error {
		inner := lifecycle.New(ctx)
		inner.Go("relay", slow)
		inner.Go("consumer", slow)
		inner.RunWith("gRPC", slow)
		return inner.Run()
	})
	g.Go("HTTP", slow)
	const all = 20 * time.Second
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), all)
	defer cancel()
	if err := g.Stop(ctx); err != nil || ctx.Err() != nil || !closed {
		t.Errorf("Stop = %v, context: %v, database closed: %t; want no errors and true", err, ctx.Err(), closed)
	}
	if len(ends) != 4 {
		t.Fatalf("%d parts stopped, want 4", len(ends))
	}
	// Each stage gets two thirds of the time left, the last stage all of it.
	for i, least := range []time.Duration{all * 6 / 10, all * 8 / 10, all * 8 / 10, all * 9 / 10} {
		if got := ends[i].Sub(started); got < least || got > all {
			t.Errorf("part %d had %s, want %s to %s", i+1, got, least, all)
		}
	}
}

func TestFinishWithoutAGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	finish, cancel := lifecycle.Finish(ctx)
	defer cancel()
	if end, bounded := finish.Deadline(); !bounded || finish.Err() != nil || time.Until(end) < time.Second {
		t.Errorf("Finish ends at %s with error %v, want a deadline in more than a second", end, finish.Err())
	}
}

// A failure in an inner group stops the outer group immediately, before the inner group has stopped.
func TestFailureInAnInnerGroupStopsTheOuterGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errBroken := errors.New("broken")
		outer := lifecycle.New(t.Context())
		outer.Go("service", func(ctx context.Context) error {
			inner := lifecycle.New(ctx)
			inner.Go("slow", func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(10 * time.Second)
				return nil
			})
			inner.Go("gRPC", func(context.Context) error { return errBroken })
			return inner.Run()
		})
		started := time.Now()
		var stopped time.Duration
		outer.Go("HTTP", func(ctx context.Context) error {
			<-ctx.Done()
			stopped = time.Since(started)
			return nil
		})
		if err := outer.Run(); !errors.Is(err, errBroken) || strings.Count(err.Error(), "broken") != 1 {
			t.Errorf("Run = %v, want an error that contains broken once", err)
		}
		if stopped != 0 {
			t.Errorf("HTTP was stopped after %s, want at once", stopped)
		}
	})
}

func ExampleGroup() {
	ctx, stop := context.WithCancel(context.Background())
	g := lifecycle.New(ctx)
	g.OnStop("database", func(context.Context) error { fmt.Println("database closed"); return nil })
	g.Go("consumer", func(ctx context.Context) error {
		<-ctx.Done()
		fmt.Println("consumer stopped")
		return nil
	})
	g.Go("server", func(ctx context.Context) error {
		<-ctx.Done()
		finish, cancel := lifecycle.Finish(ctx) // for the running requests
		defer cancel()
		_, limited := finish.Deadline()
		fmt.Println("server stopped, with a deadline:", limited)
		return nil
	})
	stop()
	fmt.Println(g.Run())
	// Output:
	// server stopped, with a deadline: true
	// consumer stopped
	// database closed
	// <nil>
}
