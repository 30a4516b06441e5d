package eventtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// testTruncated sends a message that fits into the topic but not into a dead letter. The message must not block the next
// message, and a replay must deliver the whole message.
func testTruncated(t *testing.T, f *fixture) {
	f.testTruncation(t, nil, f.oversize(), func(e event.Event) bool { return bytes.Equal(e.Data, f.oversize()) })
}

// testTruncatedStructured is testTruncated for a message in structured mode. Its ID is in the body, which the dead letter
// does not contain.
func testTruncatedStructured(t *testing.T, f *fixture) {
	envelope := func(padding int) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"large","data":"%s"}`, strings.Repeat("x", padding))
	}
	body := envelope(f.driver.Oversize - len(envelope(0)))
	f.testTruncation(t, map[string]string{"content-type": "application/cloudevents+json"}, body, func(e event.Event) bool {
		return e.ID == "large" && len(e.Data) == f.driver.Oversize-len(envelope(0))+2
	})
}

// testTruncation sends an oversized message and checks its dead letter. whole reports whether a replayed event is complete.
func (f *fixture) testTruncation(t *testing.T, headers map[string]string, body []byte, whole func(event.Event) bool) {
	t.Helper()
	rec := NewRecorder()
	fixed := f.subscribeFailing(t, rec)
	f.send(t, headers, body)
	f.send(t, nil, []byte("good"))
	rec.Wait(t, 1)
	f.awaitDepth(t, 1)
	letters := f.letters(t)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	d := letters[0]
	if !d.Truncated || len(d.Event.Data) != 0 || d.Group != f.group("g") || d.Attempts != 1 || d.Replayed {
		t.Errorf("dead letter: truncated %t, %d bytes, group %s, %d attempts, replayed %t; want true, 0, %s, 1, false",
			d.Truncated, len(d.Event.Data), d.Group, d.Attempts, d.Replayed, f.group("g"))
	}
	checkReason(t, d, longReason)

	fixed.Store(true)
	f.replay(t, 1)
	rec.Wait(t, 2)
	if e := rec.Seen()[1]; e.ID != d.Event.ID || !whole(e) {
		t.Errorf("replayed event %s has %d bytes, want the whole event %s", e.ID, len(e.Data), d.Event.ID)
	}
	f.checkDepth(t, 0)
}

// testReplayDeleted replays a truncated dead letter after its event was deleted from the topic. The error must name the
// event, and the other dead letter must be replayed.
func testReplayDeleted(t *testing.T, f *fixture) {
	rec := NewRecorder()
	fixed := f.subscribeFailing(t, rec)
	f.send(t, nil, f.oversize())
	f.send(t, nil, []byte("bad"))
	f.awaitDepth(t, 2)
	var deleted string
	for _, d := range f.letters(t) {
		if d.Truncated {
			deleted = d.Event.ID
		}
	}
	if err := f.driver.Purge(deadline(t), f.driver.Addr, f.topic); err != nil {
		t.Fatal(err)
	}
	fixed.Store(true)
	n, err := f.bus.Replay(deadline(t), f.topic)
	if n != 1 || !errors.Is(err, event.ErrGone) || !strings.Contains(err.Error(), deleted) {
		t.Errorf("Replay = %d, %v; want 1 and an error that names %s", n, err, deleted)
	}
	rec.Wait(t, 1)
	f.checkDepth(t, 0)
	f.replay(t, 0)
}

// testReplayLarge replays a message that is almost as large as the topic allows, and the message after it.
func testReplayLarge(t *testing.T, f *fixture) {
	rec := NewRecorder()
	fixed := f.subscribeFailing(t, rec)
	large := bytes.Repeat([]byte("x"), 999_900)
	f.send(t, nil, large)
	f.send(t, nil, []byte("bad"))
	f.awaitDepth(t, 2)
	fixed.Store(true)
	f.replay(t, 2)
	rec.Wait(t, 2)
	if !slices.ContainsFunc(rec.Seen(), func(e event.Event) bool { return bytes.Equal(e.Data, large) }) {
		t.Error("the large message was not replayed")
	}
	f.checkDepth(t, 0)
}

// oversize returns a body that does not fit into a dead letter.
func (f *fixture) oversize() []byte { return bytes.Repeat([]byte("x"), f.driver.Oversize) }

const longReason = "very long reason"

// subscribeFailing starts a group that records events. Until fixed is set, its handler fails with a long reason for every
// event except "good".
func (f *fixture) subscribeFailing(t *testing.T, rec *Recorder) (fixed *atomic.Bool) {
	t.Helper()
	fixed = new(atomic.Bool)
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		if string(e.Data) != "good" && !fixed.Load() {
			return event.Permanentf("%s: %s", longReason, strings.Repeat("and so on ", 200))
		}
		rec.record(e)
		return nil
	})
	return fixed
}
