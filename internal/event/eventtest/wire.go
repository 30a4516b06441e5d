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
			t.Fatal("not all events were delivered")
		}
	}
}

func testLarge(t *testing.T, f *fixture) {
	e := f.event("k", 0)
	e.Data = bytes.Repeat([]byte("0123456789"), 90<<10) // 900 KiB
	rec := NewRecorder()
	f.subscribe(t, f.bus, "good", rec.Handle)
	f.subscribe(t, f.bus, "bad", func(context.Context, event.Event) error { return event.Permanentf("refused") })
	f.publish(t, e, f.event("k", 1))
	rec.Wait(t, 2)
	rec.Check(t)
	if !bytes.Equal(rec.Seen()[0].Data, e.Data) {
		t.Error("the data of the delivered event differs")
	}
	// The dead letter is larger than the event, but must not block the next event.
	f.awaitDepth(t, 2)
	if !bytes.Equal(f.letters(t)[0].Event.Data, e.Data) {
		t.Error("the data of the dead letter differs")
	}
}

// testDuplicate publishes an event twice. It may be delivered once or twice, but not after the next event of its key.
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
			t.Errorf("delivery %d of %d is %s, want %s until the last delivery", i+1, len(seen), got.ID, e.ID)
		}
	}
}

func testRefused(t *testing.T, f *fixture) {
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", rec.Handle)
	large, noID := f.event("k", 0), f.event("k", 0)
	large.Data = make([]byte, event.MaxSize)
	noID.ID = ""
	for name, e := range map[string]event.Event{"too large": large, "no id": noID} {
		err := f.bus.Publish(deadline(t), f.event("k", 0), e, f.event("k", 1))
		if !event.IsPermanent(err) {
			t.Errorf("%s: Publish returned %v, want a permanent error", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.bus.Publish(ctx, f.event("k", 0)); err == nil {
		t.Error("Publish with a canceled context returned no error")
	}
	if err := f.bus.Publish(t.Context()); err != nil {
		t.Errorf("Publish without events returned %v", err)
	}
	last := f.event("k", 0)
	f.publish(t, last)
	rec.Wait(t, 1)
	if seen := rec.Seen(); seen[0].ID != last.ID {
		t.Errorf("%s was stored although its batch was refused", seen[0].ID)
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
