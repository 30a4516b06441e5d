package jetstream

import (
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// FuzzDecode sees that whatever the headers of a message hold is an event, which is the same once it has travelled.
func FuzzDecode(f *testing.F) {
	f.Add("ce-id", "0198", "content-type", "application/protobuf; messageType=x", []byte{1, 2})
	f.Add("ce-time", "2026-03-10T12:00:00.5+01:00", "ce-partitionkey", "%75%31", []byte(nil))
	f.Add("ce-time", "yesterday", "ce-id", "%zz", []byte("{}"))
	f.Add("dlq-attempts", "-1", "replay-group", "promotions", []byte("{}"))
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string, data []byte) {
		m := stored{
			stream: "players", sequence: 7, time: time.Unix(1e9, 0), data: data,
			header: nats.Header{name: {value}, otherName: {otherValue}, "empty": nil},
		}
		e := m.decode("players")
		if e.ID == "" || e.Topic != "players" || e.Time.Location() != time.UTC {
			t.Fatalf("%+v is read as %+v", m, e)
		}
		sent := encode(e)
		got := stored{stream: "players", sequence: 8, time: e.Time, header: sent.Header, data: sent.Data}.decode("players")
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%+v comes back as %+v", e, got)
		}
		if d := m.parseDeadLetter("players"); d.Event.ID != e.ID {
			t.Errorf("%+v is dug out as %+v", m, d)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("plain")
	f.Add("100 % \"quoted\" ü \x00\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := escape(s)
		if unescape(escaped) != s {
			t.Errorf("%q is escaped to %q, which is %q", s, escaped, unescape(escaped))
		}
		for _, c := range []byte(escaped) {
			if c <= ' ' || c > '~' {
				t.Errorf("%q is escaped to %q, which no header holds", s, escaped)
			}
		}
	})
}
