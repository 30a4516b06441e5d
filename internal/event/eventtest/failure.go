package eventtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func testRetry(t *testing.T, f *fixture) {
	rec := NewRecorder()
	var attempts atomic.Int32
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if n, _ := number(e.ID); n == 0 && attempts.Add(1) < 4 {
			return errors.New("not yet")
		}
		rec.record(e)
		return nil
	})
	f.publish(t, f.event("k", 0), f.event("k", 1))
	rec.Wait(t, 2)
	rec.Check(t)
	if n := attempts.Load(); n != 4 {
		t.Errorf("tried %d times, want 4", n)
	}
	f.depth(t, 0)
}

func testPermanent(t *testing.T, f *fixture) {
	f.testBuried(t, 1, "unknown currency", func() error { return event.Permanentf("unknown\r\ncurrency") })
}

func testExhausted(t *testing.T, f *fixture) {
	f.testBuried(t, attempts, "still no database", func() error { return errors.New("still no database") })
}

func testPanic(t *testing.T, f *fixture) {
	f.testBuried(t, attempts, "handler panicked: index", func() error { panic("index") })
}

// testBuried checks what becomes of an event that fails so, and that the events of its key after it are delivered.
func (f *fixture) testBuried(t *testing.T, attempts int, reason string, fail func() error) {
	rec := NewRecorder()
	var tried atomic.Int32
	bad := f.event("k", 0)
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if e.ID == bad.ID {
			tried.Add(1)
			return fail()
		}
		rec.record(e)
		return nil
	})
	f.subscribe(t, f.bus, "other", func(context.Context, event.Event) error { return nil })
	started := time.Now().Add(-time.Minute)
	f.publish(t, bad, f.event("other", 0), f.event("k", 0))
	rec.Wait(t, 2)

	letters := f.letters(t)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	d := letters[0]
	if d.Event.ID != bad.ID || d.Event.Key != bad.Key || d.Event.Topic != f.topic || string(d.Event.Data) != string(bad.Data) ||
		d.Event.Type != bad.Type || d.Event.ContentType != bad.ContentType {
		t.Errorf("dead letter holds %+v", d.Event)
	}
	if d.Group != f.group("g") || d.Attempts != attempts || d.Time.Before(started) || d.Replayed {
		t.Errorf("dead letter says %+v", d)
	}
	contains(t, "reason", d.Reason, reason[:7])
	if n := int(tried.Load()); n != attempts {
		t.Errorf("tried %d times, want %d", n, attempts)
	}
	f.depth(t, 1)
}

// awaitDepth waits until n dead letters await a replay.
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
		if !event.Pause(ctx.Done(), 20*time.Millisecond) {
			t.Fatalf("%d dead letters await a replay, want %d", got, n)
		}
	}
}

func testReplay(t *testing.T, f *fixture) {
	const n = 5
	var mended atomic.Bool
	bad, other := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "bad", func(_ context.Context, e event.Event) error {
		if !mended.Load() {
			return event.Permanentf("the code is wrong")
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

	mended.Store(true)
	f.replay(t, n)
	bad.Wait(t, n)
	bad.Check(t)
	for _, e := range bad.Seen() {
		if !want[e.ID] {
			t.Errorf("replay changed an id to %s", e.ID)
		}
	}
	f.depth(t, 0)
	f.replay(t, 0)
	for _, d := range f.letters(t) {
		if !d.Replayed {
			t.Errorf("%s is not marked as replayed", d.Event.ID)
		}
	}

	// The group that had handled them is not bothered again.
	end := f.event("k", n)
	f.publish(t, end)
	other.Wait(t, n+1)
	if got := len(other.Seen()); got != n+1 {
		t.Errorf("the other group got %d deliveries, want %d", got, n+1)
	}
	bad.Wait(t, n+1)

	// What fails anew can be replayed anew.
	mended.Store(false)
	f.publish(t, f.event("k", n+1))
	f.awaitDepth(t, 1)
	mended.Store(true)
	f.replay(t, 1)
	bad.Wait(t, n+2)
}

func testReplayRaw(t *testing.T, f *fixture) {
	var mended atomic.Bool
	before, after := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if !mended.Load() {
			before.record(e)
			return event.Permanentf("not yet")
		}
		after.record(e)
		return nil
	})
	if err := f.driver.Raw(deadline(t), f.driver.Addr, f.topic, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	f.awaitDepth(t, 1)
	mended.Store(true)
	f.replay(t, 1)
	after.Wait(t, 1)
	if was, is := before.Seen()[0], after.Seen()[0]; was.ID != is.ID || is.ContentType != "" || string(is.Data) != `{}` {
		t.Errorf("replayed as %+v, was %+v", is, was)
	}
}

func (f *fixture) replay(t *testing.T, want int) {
	t.Helper()
	got, err := f.bus.Replay(deadline(t), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("replayed %d, want %d", got, want)
	}
}
