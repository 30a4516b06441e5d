package eventtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// testOversize has a record that the topic takes from a producer who knows no bounds, and that no dead letter holds. It
// must not stop what lies behind it, and a replay brings it back whole.
func testOversize(t *testing.T, f *fixture) {
	rec := NewRecorder()
	mended := f.subscribeToOversize(t, rec)
	f.raw(t, f.oversize(), []byte("good"))
	rec.Wait(t, 1)
	f.awaitDepth(t, 1)
	letters := f.letters(t)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	d := letters[0]
	if !d.Abridged || len(d.Event.Data) != 0 || d.Group != f.group("g") || d.Attempts != 1 || d.Replayed {
		t.Errorf("the dead letter is abridged: %t, has %d bytes, and is of %s after %d attempts", d.Abridged,
			len(d.Event.Data), d.Group, d.Attempts)
	}
	contains(t, "reason", d.Reason, "too long a tale")

	mended.Store(true)
	f.replay(t, 1)
	rec.Wait(t, 2)
	if back := rec.Seen()[1]; back.ID != d.Event.ID || !bytes.Equal(back.Data, f.oversize()) {
		t.Errorf("replayed as %s with %d bytes, was %s with %d", back.ID, len(back.Data), d.Event.ID, f.driver.Oversize)
	}
	f.depth(t, 0)
}

// testGone replays the dead letter of such a record when the topic no longer keeps the record. It says so, and sends the
// others.
func testGone(t *testing.T, f *fixture) {
	rec := NewRecorder()
	mended := f.subscribeToOversize(t, rec)
	f.raw(t, f.oversize(), []byte("bad"))
	f.awaitDepth(t, 2)
	var gone string
	for _, d := range f.letters(t) {
		if d.Abridged {
			gone = d.Event.ID
		}
	}
	if err := f.driver.Forget(deadline(t), f.driver.Addr, f.topic); err != nil {
		t.Fatal(err)
	}
	mended.Store(true)
	n, err := f.bus.Replay(deadline(t), f.topic)
	if n != 1 || !errors.Is(err, event.ErrGone) || !strings.Contains(err.Error(), gone) {
		t.Errorf("replayed %d, %v; want 1 and an error about %s", n, err, gone)
	}
	rec.Wait(t, 1)
	f.depth(t, 0)
	f.replay(t, 0)
}

// testReplayLarge replays what is nearly as large as the topic takes, and what lies behind it.
func testReplayLarge(t *testing.T, f *fixture) {
	rec := NewRecorder()
	mended := f.subscribeToOversize(t, rec)
	large := bytes.Repeat([]byte("x"), 999_900)
	f.raw(t, large, []byte("bad"))
	f.awaitDepth(t, 2)
	mended.Store(true)
	f.replay(t, 2)
	rec.Wait(t, 2)
	if !slices.ContainsFunc(rec.Seen(), func(e event.Event) bool { return bytes.Equal(e.Data, large) }) {
		t.Error("the large one did not come back")
	}
	f.depth(t, 0)
}

// oversize is the body of a record that fits no dead letter.
func (f *fixture) oversize() []byte { return bytes.Repeat([]byte("x"), f.driver.Oversize) }

// raw sends bodies without headers, one after the other to one partition.
func (f *fixture) raw(t *testing.T, bodies ...[]byte) {
	t.Helper()
	for _, body := range bodies {
		if err := f.driver.Raw(deadline(t), f.driver.Addr, f.topic, body); err != nil {
			t.Fatal(err)
		}
	}
}

// subscribeToOversize starts a group that takes nothing but "good" until it is mended, and says much about the rest.
func (f *fixture) subscribeToOversize(t *testing.T, rec *Recorder) (mended *atomic.Bool) {
	t.Helper()
	mended = new(atomic.Bool)
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if string(e.Data) != "good" && !mended.Load() {
			return event.Permanentf("too long a tale: %s", strings.Repeat("and so on ", 200))
		}
		rec.record(e)
		return nil
	})
	return mended
}
