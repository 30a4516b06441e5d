package event_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func TestAttributes(t *testing.T) {
	e := event.Event{
		ID: "1", Source: "/s", Type: "t",
		Time: time.Date(2026, 3, 10, 13, 0, 0, 5000, time.FixedZone("", 3600)),
	}
	got := make(map[string]string)
	var back event.Event
	for name, value := range e.Attributes() {
		got[name] = value
		back.SetAttribute(name, value)
	}
	want := map[string]string{
		"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2026-03-10T12:00:00.000005Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if e.Time = e.Time.UTC(); !reflect.DeepEqual(back, e) {
		t.Errorf("came back as %+v", back)
	}
	back.SetAttribute("time", "yesterday")
	back.SetAttribute("traceparent", "00-")
	if !reflect.DeepEqual(back, e) {
		t.Errorf("attributes that cannot be read changed it to %+v", back)
	}
}

func TestSetContentType(t *testing.T) {
	for value, want := range map[string]string{
		"application/json":                    event.ContentJSON,
		"Application/JSON; charset=utf-8":     event.ContentJSON,
		" application/protobuf ; messageType": event.ContentProtobuf,
		"":                                    "",
	} {
		var e event.Event
		if e.SetContentType(value); e.ContentType != want {
			t.Errorf("%q is read as %q, want %q", value, e.ContentType, want)
		}
	}
}

func TestPlaceID(t *testing.T) {
	// Written down: another derivation would make every bare record look new to its consumers.
	if got, want := event.PlaceID("players/3/42"), "f3c2b026-3edd-54b6-98e4-fe2bb9693e72"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDeadLetterHeaders(t *testing.T) {
	d := event.DeadLetter{
		Event: event.Event{Topic: "players"}, Group: "promotions", Attempts: 3, Reason: "no currency",
		Partition: -1, Offset: 42, Time: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC),
		Abridged: true,
	}
	var back event.DeadLetter
	for name, value := range d.Headers() {
		if event.Travels(name) {
			t.Errorf("%s would travel back with the event", name)
		}
		back.SetHeader(name, value)
	}
	if !reflect.DeepEqual(back, d) {
		t.Errorf("came back as %+v", back)
	}
	if event.Travels(event.ReplayGroupHeader) || !event.Travels("traceparent") {
		t.Error("the wrong headers travel")
	}
}

func TestDeadLetterReason(t *testing.T) {
	for name, tt := range map[string]struct{ reason, want string }{
		"several lines": {"a\r\nb\tc\n", "a  b c"},
		"not text":      {"a\xffb", "a\uFFFDb"},
		"long":          {strings.Repeat("é", 1000), strings.Repeat("é", 512)},
		"cut in a rune": {"x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", 511)},
	} {
		t.Run(name, func(t *testing.T) {
			var got event.DeadLetter
			for name, value := range (event.DeadLetter{Reason: tt.reason}).Headers() {
				got.SetHeader(name, value)
			}
			if got.Reason != tt.want {
				t.Errorf("got %q, want %q", got.Reason, tt.want)
			}
		})
	}
}
