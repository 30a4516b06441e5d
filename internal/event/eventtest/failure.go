package eventtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

func testRetry(t *testing.T, f *fixture) {
	rec := NewRecorder()
	var attempts atomic.Int32
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if n, _ := number(e.ID); n == 0 && attempts.Add(1) < 4 {
			return errors.New("failed")
		}
		rec.record(e)
		return nil
	})
	f.publish(t, f.event("k", 0), f.event("k", 1))
	rec.Wait(t, 2)
	rec.Check(t)
	if n := attempts.Load(); n != 4 {
		t.Errorf("handler called %d times, want 4", n)
	}
	f.checkDepth(t, 0)
}

func testPermanent(t *testing.T, f *fixture) {
	f.testDeadLetter(t, 1, "unknown currency", func() error { return event.Permanentf("unknown\r\ncurrency") })
}

func testExhausted(t *testing.T, f *fixture) {
	f.testDeadLetter(t, attempts, "still no database", func() error { return errors.New("still no database") })
}

func testPanic(t *testing.T, f *fixture) {
	f.testDeadLetter(t, attempts, "handler panicked: index", func() error { panic("index") })
}

// testDeadLetter publishes an event for which every call of the handler fails. It checks the dead letter, and that the next
// event of the key is delivered.
func (f *fixture) testDeadLetter(t *testing.T, attempts int, reason string, fail func() error) {
	rec := NewRecorder()
	var calls atomic.Int32
	bad := f.event("k", 0)
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if e.ID == bad.ID {
			calls.Add(1)
			return fail()
		}
		rec.record(e)
		return nil
	})
	f.subscribe(t, f.bus, "other", func(context.Context, event.Event) error { return nil })
	started := time.Now().Add(-time.Minute) // the broker's clock may differ
	f.publish(t, bad, f.event("other", 0), f.event("k", 0))
	rec.Wait(t, 2)

	letters := f.letters(t)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	d := letters[0]
	if d.Event.ID != bad.ID || d.Event.Key != bad.Key || d.Event.Topic != f.topic || string(d.Event.Data) != string(bad.Data) ||
		d.Event.Type != bad.Type || d.Event.ContentType != bad.ContentType {
		t.Errorf("dead letter has event %+v, want %+v", d.Event, bad)
	}
	if d.Group != f.group("g") || d.Attempts != attempts || d.Time.Before(started) || d.Replayed {
		t.Errorf("dead letter is %+v, want group %s and %d attempts", d, f.group("g"), attempts)
	}
	checkReason(t, d, strings.Fields(reason)[0])
	if n := int(calls.Load()); n != attempts {
		t.Errorf("handler called %d times, want %d", n, attempts)
	}
	f.checkDepth(t, 1)
}

// awaitDepth waits until Depth is at least n.
func (f *fixture) awaitDepth(t *testing.T, n int64) {
	t.Helper()
	ctx := deadline(t)
	for {
		got, err := f.bus.Depth(ctx, f.topic)
		if err != nil {
			t.Fatal(err)
		}
		if got >= n {
			return
		}
		if backoff.Sleep(ctx, 20*time.Millisecond) != nil {
			t.Fatalf("Depth = %d, want %d", got, n)
		}
	}
}

func testReplay(t *testing.T, f *fixture) {
	const n = 5
	var fixed atomic.Bool
	bad, other := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "bad", func(_ context.Context, e event.Event) error {
		if !fixed.Load() {
			return event.Permanentf("bug in the handler")
		}
		bad.record(e)
		return nil
	})
	f.subscribe(t, f.bus, "other", other.Handle)
	want := make(map[string]bool)
	for i := range n {
		e := f.event("k", i)
		want[e.ID] = true
		f.publish(t, e)
	}
	other.Wait(t, n)
	f.awaitDepth(t, n)

	fixed.Store(true)
	f.replay(t, n)
	bad.Wait(t, n)
	bad.Check(t)
	for _, e := range bad.Seen() {
		if !want[e.ID] {
			t.Errorf("replayed event has unknown id %s", e.ID)
		}
	}
	f.checkDepth(t, 0)
	f.replay(t, 0)
	for _, d := range f.letters(t) {
		if !d.Replayed {
			t.Errorf("dead letter %s is not marked as replayed", d.Event.ID)
		}
	}

	// Replayed events must not be delivered to the group that has already handled them.
	end := f.event("k", n)
	f.publish(t, end)
	other.Wait(t, n+1)
	if got := len(other.Seen()); got != n+1 {
		t.Errorf("%d deliveries to the other group, want %d", got, n+1)
	}
	bad.Wait(t, n+1)

	// A second replay must replay the dead letters written after the first replay.
	fixed.Store(false)
	f.publish(t, f.event("k", n+1))
	f.awaitDepth(t, 1)
	fixed.Store(true)
	f.replay(t, 1)
	bad.Wait(t, n+2)
}

func testReplayBareMessage(t *testing.T, f *fixture) {
	before, after := f.testReplayForeign(t, nil, "{}")
	if after.ID != before.ID || after.ContentType != "" || string(after.Data) != "{}" {
		t.Errorf("replayed event is %+v, want %+v", after, before)
	}
}

// testReplayForeign sends a message as a foreign producer, and replays it after the handler has failed. It returns the event
// before and after the replay.
func (f *fixture) testReplayForeign(t *testing.T, headers map[string]string, body string) (before, after event.Event) {
	t.Helper()
	var fixed atomic.Bool
	first, second := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if !fixed.Load() {
			first.record(e)
			return event.Permanentf("not yet")
		}
		second.record(e)
		return nil
	})
	f.send(t, headers, []byte(body))
	f.awaitDepth(t, 1)
	fixed.Store(true)
	f.replay(t, 1)
	second.Wait(t, 1)
	return first.Seen()[0], second.Seen()[0]
}

// replay replays the dead letters and checks that their number is want.
func (f *fixture) replay(t *testing.T, want int) {
	t.Helper()
	got, err := f.bus.Replay(deadline(t), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("Replay = %d, want %d", got, want)
	}
}
