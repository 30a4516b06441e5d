package eventtest

import (
	"bytes"
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func testPing(t *testing.T, f *fixture) {
	if err := f.bus.Ping(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

func testRoundTrip(t *testing.T, f *fixture) {
	at := time.Date(2026, 3, 10, 23, 59, 59, 123456789, time.UTC)
	events := map[string]event.Event{
		"protobuf": {Key: uuid.NewString(), ContentType: event.ContentProtobuf, Data: []byte{0, 1, 2, 255, '\r', '\n'}},
		"json":     {Key: uuid.NewString(), ContentType: event.ContentJSON, Data: []byte(`{"a":"ä"}`)},
		"no key":   {ContentType: event.ContentJSON, Data: []byte(`{}`)},
		"no data":  {Key: "k", ContentType: event.ContentProtobuf},
		"odd key":  {Key: " clé \"50%\"\n* > . ", ContentType: event.ContentJSON, Data: []byte(`1`)},
	}
	got := make(chan event.Event, len(events))
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		got <- e
		return nil
	})
	want := make(map[string]event.Event)
	for name, e := range events {
		e.ID, e.Source, e.Type, e.Topic, e.Time = name, "/loyalty/é", "loyalty.x.v1.X", f.topic, at
		want[e.ID] = e
		f.publish(t, e)
	}
	for range events {
		select {
		case e := <-got:
			if len(e.Data) == 0 {
				e.Data = nil
			}
			if !reflect.DeepEqual(e, want[e.ID]) {
				t.Errorf("got  %+v\nwant %+v", e, want[e.ID])
			}
		case <-deadline(t).Done():
			t.Fatal("not all events came")
		}
	}
}

func testLarge(t *testing.T, f *fixture) {
	e := f.event("k", 0)
	e.Data = bytes.Repeat([]byte("0123456789"), 90<<10) // 900 KiB
	rec := NewRecorder()
	f.subscribe(t, f.bus, "good", rec.Handle)
	f.subscribe(t, f.bus, "bad", func(context.Context, event.Event) error { return event.Permanentf("not mine") })
	f.publish(t, e, f.event("k", 1))
	rec.Wait(t, 2)
	rec.Check(t)
	if !bytes.Equal(rec.Seen()[0].Data, e.Data) {
		t.Error("the data differs")
	}
	// The dead letter is larger still, and what comes after it is not kept waiting.
	f.awaitDepth(t, 2)
	if !bytes.Equal(f.letters(t)[0].Event.Data, e.Data) {
		t.Error("the dead letter's data differs")
	}
}

func testRaw(t *testing.T, f *fixture) {
	one, two := NewRecorder(), NewRecorder()
	f.subscribe(t, f.bus, "one", one.Handle)
	f.subscribe(t, f.bus, "two", two.Handle)
	bodies := []string{`{"topic":"player","eventType":"PLAYER_REGISTERED","user_id":"1"}`, `{}`}
	for _, body := range bodies {
		if err := f.driver.Raw(deadline(t), f.driver.Addr, f.topic, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	one.Wait(t, len(bodies))
	two.Wait(t, len(bodies))
	for _, e := range one.Seen() {
		if e.ContentType != "" || e.Topic != f.topic || e.Time.IsZero() || e.Source != "" || e.Type != "" {
			t.Errorf("event of a bare record is %+v", e)
		}
		if _, err := uuid.Parse(e.ID); err != nil {
			t.Errorf("derived id %q: %v", e.ID, err)
		}
	}
	// What identifies a record must be the same for everyone who reads it.
	ids := make(map[string]string)
	for _, e := range one.Seen() {
		ids[e.ID] = string(e.Data)
	}
	for _, e := range two.Seen() {
		if ids[e.ID] != string(e.Data) {
			t.Errorf("the groups do not agree on the id of %s", e.Data)
		}
	}
}

func testDuplicate(t *testing.T, f *fixture) {
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	e := f.event("k", 0)
	f.publish(t, e)
	f.publish(t, e)
	f.publish(t, f.event("k", 1))
	rec.Wait(t, 2)
	seen := rec.Seen()
	for i, got := range seen {
		if last := i == len(seen)-1; last == (got.ID == e.ID) {
			t.Errorf("delivery %d of %d is %s", i+1, len(seen), got.ID)
		}
	}
}

func testRefused(t *testing.T, f *fixture) {
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	large, anonymous := f.event("k", 0), f.event("k", 0)
	large.Data = make([]byte, event.MaxSize)
	anonymous.ID = ""
	for name, e := range map[string]event.Event{"too large": large, "no id": anonymous} {
		err := f.bus.Publish(deadline(t), f.event("k", 0), e, f.event("k", 1))
		if !event.IsPermanent(err) {
			t.Errorf("%s: got error %v, want a permanent one", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.bus.Publish(ctx, f.event("k", 0)); err == nil {
		t.Error("published after the end of its context")
	}
	if err := f.bus.Publish(t.Context()); err != nil {
		t.Errorf("publishing nothing: %v", err)
	}
	last := f.event("k", 0)
	f.publish(t, last)
	rec.Wait(t, 1)
	if seen := rec.Seen(); seen[0].ID != last.ID {
		t.Errorf("%s was stored though its batch was refused", seen[0].ID)
	}
}

func testTopics(t *testing.T, f *fixture) {
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	f.publish(t, f.event("k", 0))
	spec := event.TopicSpec{Name: f.topic, Retention: time.Hour}
	if err := f.bus.EnsureTopics(deadline(t), f.driver.Partitions, f.driver.Replication, spec); err != nil {
		t.Fatal(err)
	}
	f.publish(t, f.event("k", 1))
	rec.Wait(t, 2)
	rec.Check(t)
}

func testSubscribeFirst(t *testing.T, f *fixture) {
	f.topic += "-later"
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	if err := f.bus.EnsureTopics(deadline(t), f.driver.Partitions, f.driver.Replication,
		event.TopicSpec{Name: f.topic}); err != nil {
		t.Fatal(err)
	}
	f.publish(t, f.event("k", 0))
	rec.Wait(t, 1)
}
