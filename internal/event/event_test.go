package event_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func TestAttributesRoundTrip(t *testing.T) {
	e := event.Event{
		ID: "1", Source: "/s", Type: "t",
		Time: time.Date(2026, 3, 10, 13, 0, 0, 5000, time.FixedZone("", 3600)),
	}
	got := make(map[string]string)
	var pairs []string
	for name, value := range e.Attributes() {
		got[name] = value
		pairs = append(pairs, "ce_"+name, value)
	}
	want := map[string]string{
		"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2026-03-10T12:00:00.000005Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Attributes = %v, want %v", got, want)
	}
	e.Time = e.Time.UTC()
	if back, err := event.Parse(headers(pairs...), nil); err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("Parse = %+v, %v, want %+v", back, err, e)
	}
}

func TestPositionID(t *testing.T) {
	// A different derivation would give redelivered messages new IDs.
	if got, want := event.PositionID("players/3/42"), "f3c2b026-3edd-54b6-98e4-fe2bb9693e72"; got != want {
		t.Errorf("PositionID = %s, want %s", got, want)
	}
}

func TestDeadLetterHeaders(t *testing.T) {
	d := event.DeadLetter{
		Event: event.Event{Topic: "players"}, Group: "promotions", Attempts: 3, Reason: "no currency",
		Partition: -1, Offset: 42, Time: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC),
		Truncated: true,
	}
	var back event.DeadLetter
	for name, value := range d.Headers() {
		if event.IsEventHeader(name) {
			t.Errorf("IsEventHeader(%q) = true", name)
		}
		back.SetHeader(name, value)
	}
	if !reflect.DeepEqual(back, d) {
		t.Errorf("dead letter after a round trip is %+v, want %+v", back, d)
	}
	if event.IsEventHeader(event.ReplayGroupHeader) {
		t.Errorf("IsEventHeader(%q) = true", event.ReplayGroupHeader)
	}
	if !event.IsEventHeader("traceparent") {
		t.Error(`IsEventHeader("traceparent") = false`)
	}
}

func TestDeadLetterReason(t *testing.T) {
	for name, tt := range map[string]struct{ reason, want string }{
		"several lines": {"a\r\nb\tc\n", "a  b c"},
		"invalid UTF-8": {"a\xffb", "a\uFFFDb"},
		"too long":      {strings.Repeat("é", 1000), strings.Repeat("é", 512)},
		"cut in a rune": {"x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", 511)},
	} {
		t.Run(name, func(t *testing.T) {
			var got event.DeadLetter
			for name, value := range (event.DeadLetter{Reason: tt.reason}).Headers() {
				got.SetHeader(name, value)
			}
			if got.Reason != tt.want {
				t.Errorf("reason is %q, want %q", got.Reason, tt.want)
			}
		})
	}
}
