package eventtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func testGroups(t *testing.T, f *fixture) {
	const keys, perKey = 30, 5
	groups := map[string]*Recorder{"one": NewRecorder(), "two": NewRecorder()}
	for group, rec := range groups {
		f.subscribe(t, f.open(t), group, rec.Handle)
		f.subscribe(t, f.open(t), group, rec.Handle)
	}
	for n := range perKey {
		for k := range keys {
			f.publish(t, f.event(fmt.Sprintf("key-%d", k), n))
		}
	}
	for group, rec := range groups {
		rec.Wait(t, keys*perKey)
		rec.Check(t)
		// A rebalance may repeat some deliveries. If the members did not share the events, all deliveries would be repeated.
		if got := len(rec.Seen()); got >= 2*keys*perKey {
			t.Errorf("%d deliveries to group %s, want less than %d", got, group, 2*keys*perKey)
		}
	}
}

func testOrder(t *testing.T, f *fixture) {
	const publishers, keys, perKey = 4, 5, 40
	rec := NewRecorder()
	for range 3 {
		f.subscribe(t, f.open(t), "g", rec.flaky())
	}
	var publishing sync.WaitGroup
	for p := range publishers {
		bus := f.open(t)
		publishing.Go(func() {
			for n := 0; n < perKey; {
				var batch []event.Event
				for range 1 + (n+p)%4 {
					for k := range keys {
						batch = append(batch, f.event(fmt.Sprintf("p%d-k%d", p, k), n))
					}
					if n++; n == perKey {
						break
					}
				}
				if err := bus.Publish(deadline(t), batch...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	publishing.Wait()
	rec.Wait(t, publishers*keys*perKey)
	rec.Check(t)
	f.checkDepth(t, 0)
}

func testRebalance(t *testing.T, f *fixture) {
	const keys, perKey = 12, 60
	rec := NewRecorder()
	handler := rec.flaky()
	f.subscribe(t, f.open(t), "g", handler)

	var publishing sync.WaitGroup
	publishing.Go(func() {
		for n := range perKey {
			batch := make([]event.Event, keys)
			for k := range batch {
				batch[k] = f.event(fmt.Sprintf("key-%d", k), n)
			}
			if err := f.bus.Publish(deadline(t), batch...); err != nil {
				t.Error(err)
				return
			}
		}
	})
	// Members join and leave while events are published.
	for round := range 4 {
		var members []func()
		for range 2 {
			members = append(members, f.subscribe(t, f.open(t), "g", handler))
		}
		rec.Wait(t, (round+1)*keys*perKey/5)
		for _, leave := range members {
			leave()
		}
	}
	publishing.Wait()
	rec.Wait(t, keys*perKey)
	rec.Check(t)
	f.checkDepth(t, 0)
}

// flaky returns a handler that fails at the first delivery of every third event of a key. It records concurrent calls for
// the same key as a fault.
func (r *Recorder) flaky() event.Handler {
	var mu sync.Mutex
	failed := make(map[string]bool)
	return func(_ context.Context, e event.Event) error {
		defer r.Enter(e)()
		if n, ok := number(e.ID); ok && n%3 == 1 {
			mu.Lock()
			again := failed[e.ID]
			failed[e.ID] = true
			mu.Unlock()
			if !again {
				return errors.New("try again")
			}
		}
		r.record(e)
		return nil
	}
}

func testSlowKey(t *testing.T, f *fixture) {
	const keys = 64
	rec := NewRecorder()
	release := make(chan struct{})
	f.subscribe(t, f.bus, "g", func(ctx context.Context, e event.Event) error {
		if e.Key == "slow" {
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		rec.record(e)
		return nil
	})
	batch := []event.Event{f.event("slow", 0), f.event("slow", 1)}
	for k := range keys {
		batch = append(batch, f.event(fmt.Sprintf("key-%d", k), 0))
	}
	f.publish(t, batch...)
	// Keys in the partition of the slow key wait. Most keys are in other partitions.
	rec.Wait(t, keys/2)
	close(release)
	rec.Wait(t, keys+2)
	rec.Check(t)
}
