package jetstream

import (
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// FuzzDecode checks that every message yields an event, and that the event survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add("ce-id", "0198", "content-type", "application/protobuf; messageType=x", []byte{1, 2})
	f.Add("ce-time", "2026-03-10T12:00:00.5+01:00", "ce-partitionkey", "%75%31", []byte(nil))
	f.Add("ce-time", "yesterday", "ce-id", "%zz", []byte("{}"))
	f.Add("content-type", "application/cloudevents+json", "", "", []byte(`{"id":"1","data":{"a":1}}`))
	f.Add("ce-datacontenttype", "application%2Fprotobuf", "content-type", "application/json", []byte("{}"))
	f.Add("dlq-attempts", "-1", "replay-group", "promotions", []byte("{}"))
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string, data []byte) {
		m := message{
			stream: "players", sequence: 7, time: time.Unix(1e9, 0), data: data,
			header: nats.Header{name: {value}, otherName: {otherValue}, "empty": nil},
		}
		e, err := m.decode("players")
		if e.ID == "" || e.Topic != "players" || e.Time.Location() != time.UTC {
			t.Fatalf("%+v is decoded as %+v", m, e)
		}
		if d := m.parseDeadLetter("players"); d.Event.ID != e.ID {
			t.Errorf("%+v is parsed as dead letter %+v", m, d)
		}
		if err != nil {
			if !event.IsPermanent(err) {
				t.Errorf("error %v is not permanent", err)
			}
			return
		}
		sent := encode(e)
		back := message{stream: "players", sequence: 8, time: e.Time, header: sent.Header, data: sent.Data}
		if got, err := back.decode("players"); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%+v is decoded as %+v, %v after a round trip", e, got, err)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("plain")
	f.Add("100 % \"quoted\" ü \x00\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := escape(s)
		if unescape(escaped) != s {
			t.Errorf("%q is escaped to %q and unescaped to %q", s, escaped, unescape(escaped))
		}
		for _, c := range []byte(escaped) {
			if c <= ' ' || c > '~' {
				t.Errorf("%q is escaped to %q, which is not valid in a header", s, escaped)
			}
		}
	})
}
