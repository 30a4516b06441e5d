package eventtest

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// testReplayInvalid stores messages that no group has written among the dead letters. They are listed as invalid. Replay
// sends only the event of the valid dead letter, and reports the others.
func testReplayInvalid(t *testing.T, f *fixture) {
	rec := NewRecorder()
	fixed := f.subscribeFailing(t, rec)
	forged := map[string]map[string]string{
		"no headers":          nil,
		"another topic":       {"dlq-topic": "other"},
		"no topic":            {"dlq-topic": ""},
		"no group":            {"dlq-group": ""},
		"malformed attempts":  {"dlq-attempts": "many"},
		"malformed partition": {"dlq-partition": "99999999999"},
		"malformed offset":    {"dlq-offset": "x"},
		"malformed time":      {"dlq-time": "yesterday"},
		"malformed flag":      {"dlq-truncated": "perhaps"},
	}
	for name, change := range forged {
		headers := map[string]string{}
		if change != nil {
			headers = f.deadLetterHeaders()
			maps.Copy(headers, change)
		}
		headers["ce_id"] = name
		f.sendDead(t, headers)
	}
	f.send(t, nil, []byte("bad"))
	f.awaitDepth(t, int64(len(forged))+1)

	valid := 0
	for _, d := range f.letters(t) {
		_, isForged := forged[d.Event.ID]
		if !isForged {
			valid++
		}
		if isForged != errors.Is(d.Invalid, event.ErrInvalid) {
			t.Errorf("dead letter %s has the error %v, want an error: %t", d.Event.ID, d.Invalid, isForged)
		}
	}
	if valid != 1 {
		t.Errorf("%d valid dead letters, want 1", valid)
	}
	fixed.Store(true)
	n, err := f.bus.Replay(deadline(t), f.topic)
	if n != 1 || !errors.Is(err, event.ErrInvalid) {
		t.Errorf("Replay = %d, %v; want 1 and ErrInvalid", n, err)
	}
	for name := range forged {
		if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("the error of Replay does not name %q: %v", name, err)
		}
	}
	f.send(t, nil, []byte("good"))
	rec.Wait(t, 2)
	for _, e := range rec.Seen() {
		if _, isForged := forged[e.ID]; isForged {
			t.Errorf("the event of the invalid dead letter %q was replayed", e.ID)
		}
	}
	f.checkDepth(t, 0)
	f.replay(t, 0)
}

// deadLetterHeaders returns the headers of a dead letter of the fixture's topic.
func (f *fixture) deadLetterHeaders() map[string]string {
	d := event.DeadLetter{Event: event.Event{Topic: f.topic}, Group: f.group("g"), Attempts: 1, Offset: 1}
	return maps.Collect(d.Headers())
}

// sendDead sends a message to the dead letters of the fixture's topic.
func (f *fixture) sendDead(t *testing.T, headers map[string]string) {
	t.Helper()
	topic := event.DeadLetterTopic(f.topic)
	if err := f.driver.Send(deadline(t), f.driver.Addr, topic, headers, []byte("good")); err != nil {
		t.Fatal(err)
	}
}
