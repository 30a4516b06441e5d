package kafka

import (
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// FuzzDecode checks that every record yields an event, and that the event survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add("ce_id", "0198", "content-type", "application/protobuf; messageType=x", "u1", []byte{1, 2})
	f.Add("ce_time", "2026-03-10T12:00:00.5+01:00", "ce_source", "/loyalty/users", "", []byte(nil))
	f.Add("ce_time", "yesterday", "ce_", "", "\x00", []byte("{}"))
	f.Add("content-type", "application/cloudevents+json", "", "", "", []byte(`{"id":"1","data":{"a":1}}`))
	f.Add("ce_datacontenttype", "application/protobuf", "content-type", "application/json", "", []byte("{}"))
	f.Add("dlq-attempts", "-1", "replay-group", "promotions", "u1", []byte("{}"))
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue, key string, data []byte) {
		r := &kgo.Record{
			Topic: "players", Key: []byte(key), Value: data, Timestamp: time.Unix(1e9, 0),
			Headers: []kgo.RecordHeader{header(name, value), header(otherName, otherValue)},
		}
		e, err := decode(r)
		if e.ID == "" || e.Topic != r.Topic || key != "" && e.Key != key || e.Time.Location() != time.UTC {
			t.Fatalf("%+v is decoded as %+v", r, e)
		}
		if d := parseDeadLetter(r, "players"); d.Event.ID != e.ID {
			t.Errorf("%+v is parsed as dead letter %+v", r, d)
		}
		if err != nil {
			if !event.IsPermanent(err) {
				t.Errorf("error %v is not permanent", err)
			}
			return
		}
		back := encode(e)
		back.Timestamp = e.Time
		if got, err := decode(back); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%+v is decoded as %+v, %v after a round trip", e, got, err)
		}
	})
}
