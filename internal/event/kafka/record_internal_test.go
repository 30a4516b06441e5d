package kafka

import (
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzDecode sees that whatever the headers of a record hold is an event, which is the same once it has travelled.
func FuzzDecode(f *testing.F) {
	f.Add("ce_id", "0198", "content-type", "application/protobuf; messageType=x", "u1", []byte{1, 2})
	f.Add("ce_time", "2026-03-10T12:00:00.5+01:00", "ce_source", "/loyalty/users", "", []byte(nil))
	f.Add("ce_time", "yesterday", "ce_", "", "\x00", []byte("{}"))
	f.Add("dlq-attempts", "-1", "replay-group", "promotions", "u1", []byte("{}"))
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue, key string, data []byte) {
		r := &kgo.Record{
			Topic: "players", Key: []byte(key), Value: data, Timestamp: time.Unix(1e9, 0),
			Headers: []kgo.RecordHeader{header(name, value), header(otherName, otherValue)},
		}
		e := decode(r)
		if e.ID == "" || e.Topic != r.Topic || e.Key != key || e.Time.Location() != time.UTC {
			t.Fatalf("%+v is read as %+v", r, e)
		}
		back := encode(e)
		back.Timestamp = e.Time
		if got := decode(back); !reflect.DeepEqual(got, e) {
			t.Errorf("%+v comes back as %+v", e, got)
		}
		if d := parseDeadLetter(r); d.Event.ID != e.ID {
			t.Errorf("%+v is dug out as %+v", r, d)
		}
	})
}
