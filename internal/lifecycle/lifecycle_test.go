package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

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
			if err := g.Stop(t.Context()); err == nil || !slices.Equal(d.lines, []string{"server"}) {
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
