package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// diary is what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) part(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		d.write(name)
		return nil
	}
}

func TestPartsStopInReverse(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := lifecycle.New(ctx)
	var d diary
	g.OnStop("database", func(context.Context) error { d.write("database"); return nil })
	g.Go("consumer", d.part("consumer"))
	g.Go("server", d.part("server"))
	cancel()
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"server", "consumer", "database"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped in the order %v, want %v", d.lines, want)
	}
}

func TestPartThatFailsStopsAll(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		part func(context.Context) error
		want string
	}{
		"with an error":      {func(context.Context) error { return broken }, "consumer: broken"},
		"by ending too soon": {func(context.Context) error { return nil }, "consumer stopped by itself"},
		"cancelled by itself": {
			func(context.Context) error { return context.Canceled }, "consumer stopped by itself: context canceled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := lifecycle.New(t.Context())
			var d diary
			g.Go("server", d.part("server"))
			g.Go("consumer", tt.part)
			cause := g.Wait()
			if cause == nil || cause.Error() != tt.want {
				t.Errorf("stops because of %v, want %q", cause, tt.want)
			}
			// What Wait has told is not told again.
			if err := g.Stop(t.Context()); err != nil || !slices.Equal(d.lines, []string{"server"}) {
				t.Errorf("stopped %v with %v", d.lines, err)
			}
		})
	}
}

func TestPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	t.Parallel()
	g := lifecycle.New(t.Context())
	var d diary
	release := make(chan struct{})
	defer close(release)
	g.Go("server", d.part("server"))
	g.Go("stuck", func(context.Context) error { <-release; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Stop(ctx); err == nil {
		t.Error("a part that is stuck was not reported")
	}
}

func TestPartsBesideEachOtherStopTogether(t *testing.T) {
	t.Parallel()
	g := lifecycle.New(t.Context())
	var d diary
	met := make(chan struct{})
	meet := func(ctx context.Context) error {
		<-ctx.Done()
		select {
		case met <- struct{}{}:
		case <-met:
		}
		d.write("met")
		return nil
	}
	g.Go("database", d.part("database"))
	g.Go("one", meet)
	g.OnStop("what one needs", func(context.Context) error { d.write("closed"); return nil })
	g.RunWith("two", meet)
	if err := g.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"met", "met", "closed", "database"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped in the order %v, want %v", d.lines, want)
	}
}

func TestNothingIsClosedUnderAPartThatWasLeftBehind(t *testing.T) { synctest.Test(t, nothingIsClosed) }

func nothingIsClosed(t *testing.T) {
	g := lifecycle.New(t.Context())
	var d diary
	release := make(chan struct{})
	defer close(release)
	g.Go("relay", d.part("relay"))
	g.OnStop("database", func(context.Context) error { d.write("database"); return nil })
	g.Go("service", func(ctx context.Context) error { // the part is within a group of its own
		inner := lifecycle.New(ctx)
		inner.OnStop("cache", func(context.Context) error { d.write("cache"); return nil })
		inner.Go("consumer", func(ctx context.Context) error { <-release; return ctx.Err() })
		return inner.Run()
	})
	g.OnStop("log", func(context.Context) error { d.write("log"); return nil })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := g.Stop(ctx); err == nil || err.Error() != "service: consumer did not stop in time" {
		t.Errorf("stopped with %v, want the part that is stuck", err)
	}
	if want := []string{"log", "relay"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped %v, want %v", d.lines, want)
	}
}

func TestNothingIsClosedUnderWhatAFailedPartLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lifecycle.New(t.Context())
		release := make(chan struct{})
		defer close(release)
		g.OnStop("database", func(context.Context) error { t.Error("it was closed"); return nil })
		g.Go("service", func(ctx context.Context) error {
			inner := lifecycle.New(ctx)
			inner.Go("stuck", func(ctx context.Context) error { <-release; return ctx.Err() })
			inner.Go("broken", func(context.Context) error { return errors.New("broken") })
			return inner.Run()
		})
		// Whether the group around waits for longer than the one within is a matter of moments.
		if err := g.Run(); err == nil || !strings.Contains(err.Error(), "did not stop in time") {
			t.Errorf("ended with %v, want that a part is stuck", err)
		}
	})
}

// Parts that all take as long as they may, two of them in a group of their own, stop in time together.
func TestSharesAddUp(t *testing.T) { synctest.Test(t, sharesAddUp) }

func sharesAddUp(t *testing.T) {
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
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), all)
	defer cancel()
	if err := g.Stop(ctx); err != nil || ctx.Err() != nil || !closed {
		t.Errorf("stopped with %v, closed: %t", err, closed)
	}
	if len(ends) != 4 {
		t.Fatalf("%d parts were told to stop, want 4", len(ends))
	}
	// The shares are those of all that is left each time: two thirds, and of the rest two thirds and one.
	for i, least := range []time.Duration{all * 6 / 10, all * 8 / 10, all * 8 / 10, all * 9 / 10} {
		if got := ends[i].Sub(begun); got < least || got > all {
			t.Errorf("the part told as number %d had until %s, want between %s and %s", i+1, got, least, all)
		}
	}
}

func TestFinishOutsideAGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	finish, cancel := lifecycle.Finish(ctx)
	defer cancel()
	if end, bounded := finish.Deadline(); !bounded || finish.Err() != nil || time.Until(end) < time.Second {
		t.Errorf("ends at %s, %v", end, finish.Err())
	}
}

// What fails in a group within is learned of outside at once, not once the group within has stopped.
func TestFailureWithinStopsTheGroupAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		outer := lifecycle.New(t.Context())
		outer.Go("service", func(ctx context.Context) error {
			inner := lifecycle.New(ctx)
			inner.Go("slow", func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(10 * time.Second)
				return nil
			})
			inner.Go("gRPC", func(context.Context) error { return broken })
			return inner.Run()
		})
		begun := time.Now()
		var told time.Duration
		outer.Go("HTTP", func(ctx context.Context) error {
			<-ctx.Done()
			told = time.Since(begun)
			return nil
		})
		if err := outer.Run(); !errors.Is(err, broken) || strings.Count(err.Error(), "broken") != 1 {
			t.Errorf("ended with %v, want the failure once", err)
		}
		if told != 0 {
			t.Errorf("HTTP was told to stop after %s", told)
		}
	})
}
