package eventtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// send sends a message to the fixture's topic as another producer would.
func (f *fixture) send(t *testing.T, headers map[string]string, body []byte) {
	t.Helper()
	if err := f.driver.Send(deadline(t), f.driver.Addr, f.topic, headers, body); err != nil {
		t.Fatal(err)
	}
}

func testBareMessage(t *testing.T, f *fixture) {
	one, two := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "one", one.Handle)
	f.subscribe(t, f.bus, "two", two.Handle)
	bodies := []string{`{"topic":"player","eventType":"PLAYER_REGISTERED","user_id":"1"}`, `{}`}
	for _, body := range bodies {
		f.send(t, nil, []byte(body))
	}
	one.Wait(t, len(bodies))
	two.Wait(t, len(bodies))
	for _, e := range one.Seen() {
		if e.ContentType != "" || e.Topic != f.topic || e.Time.IsZero() || e.Source != "" || e.Type != "" {
			t.Errorf("got event %+v, want only an ID, a time, the topic and data", e)
		}
		if _, err := uuid.Parse(e.ID); err != nil {
			t.Errorf("derived id %q: %v", e.ID, err)
		}
	}
	// Check that both groups derive the same IDs.
	ids := make(map[string]string)
	for _, e := range one.Seen() {
		ids[e.ID] = string(e.Data)
	}
	for _, e := range two.Seen() {
		if ids[e.ID] != string(e.Data) {
			t.Errorf("the groups derived different ids for %s", e.Data)
		}
	}
}

// testForeignProducers sends an event in each of the encodings that other producers use.
func testForeignProducers(t *testing.T, f *fixture) {
	data := []byte{8, 1, 0xff, 0}
	binary := func(prefix, contentType string) map[string]string {
		return map[string]string{
			prefix + "specversion": "1.0", prefix + "id": prefix + contentType, contentType: "application/protobuf",
		}
	}
	messages := []struct {
		headers map[string]string
		body    []byte
	}{
		{binary("ce_", "content-type"), data},
		{binary("ce-", "Content-Type"), data},
		{binary("ce_", "ce_datacontenttype"), data},
		{binary("ce-", "ce-datacontenttype"), data},
		{binary("CE_", "contentType"), data},
		{binary("cloudEvents_", "content-type"), data},
		{
			map[string]string{"content-type": "application/cloudevents+json; charset=UTF-8"},
			fmt.Appendf(nil, `{"specversion":"1.0","id":"structured","datacontenttype":"application/protobuf","data_base64":%q}`,
				base64.StdEncoding.EncodeToString(data)),
		},
	}
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	for _, m := range messages {
		f.send(t, m.headers, m.body)
	}
	rec.Wait(t, len(messages))
	for _, e := range rec.Seen() {
		if e.ContentType != event.ContentProtobuf || string(e.Data) != string(data) {
			t.Errorf("event %s has content type %q and data %q, want %q and %q", e.ID, e.ContentType, e.Data,
				event.ContentProtobuf, data)
		}
	}
	f.checkDepth(t, 0)
}

// malformed returns the headers of a message with two contradictory content types.
func malformed() map[string]string {
	return map[string]string{
		"ce_id": "bad", "content-type": "application/json", "ce_datacontenttype": "application/protobuf",
	}
}

// testMalformed sends a malformed message. It must become a dead letter without a call of the handler.
func testMalformed(t *testing.T, f *fixture) {
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	f.send(t, malformed(), []byte("{}"))
	f.send(t, map[string]string{"ce_id": "good"}, []byte("{}"))
	rec.Wait(t, 1)
	if got := rec.Seen()[0].ID; got != "good" {
		t.Errorf("the handler received event %s, want good", got)
	}
	f.awaitDepth(t, 1)
	letters := f.letters(t)
	if len(letters) != 1 || letters[0].Event.ID != "bad" || string(letters[0].Event.Data) != "{}" || letters[0].Attempts != 0 {
		t.Fatalf("dead letters are %+v, want the malformed message after 0 attempts", letters)
	}
	checkReason(t, letters[0], "ce_datacontenttype")
}

// testReplayMalformed replays a malformed message. It must become a dead letter again, unchanged.
func testReplayMalformed(t *testing.T, f *fixture) {
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		t.Errorf("the handler received event %s, want no call", e.ID)
		return nil
	})
	f.send(t, malformed(), []byte("{}"))
	f.awaitDepth(t, 1)
	before := f.letters(t)[0]
	f.replay(t, 1)
	f.awaitDepth(t, 1)
	letters := f.letters(t)
	after := letters[len(letters)-1]
	if after.Event.ID != before.Event.ID || after.Reason != before.Reason || string(after.Event.Data) != "{}" {
		t.Errorf("dead letter after the replay is %+v, want %+v", after, before)
	}
}
