package frame_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

var (
	id    = uuid.MustParse("0195f3a0-0000-7000-8000-000000000001")
	cases = map[string]struct {
		frame *frame.Frame
		json  string
	}{
		"notification": {
			frame.Notification(notifications.Notification{
				ID: id, Type: "promotion", Content: map[string]any{"title": "Welcome", "isActive": false},
				CreatedAt: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), Seq: 7, EventID: "secret", UserID: id,
			}),
			`{"notification":{"id":"0195f3a0-0000-7000-8000-000000000001","type":"promotion",
			"content":{"title":"Welcome","isActive":false},"read":false,"createdAt":"2026-03-10T12:00:00Z"}}`,
		},
		"read some": {
			frame.Read(notifications.ReadState{IDs: []uuid.UUID{id}, Counts: notifications.Counts{Total: 3, Unread: 2}}),
			`{"read":{"ids":["0195f3a0-0000-7000-8000-000000000001"],"all":false,"unread":2}}`,
		},
		"read all": {
			frame.Read(notifications.ReadState{All: true}),
			`{"read":{"ids":[],"all":true,"unread":0}}`,
		},
		"reset": {frame.Reset("unknown"), `{"reset":{"reason":"unknown"}}`},
	}
)

func TestText(t *testing.T) {
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			text, err := tt.frame.Text()
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.json), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %s\nwant %s", text, tt.json)
			}
		})
	}
}

func TestBinaryFromText(t *testing.T) {
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			text, err := tt.frame.Text()
			if err != nil {
				t.Fatal(err)
			}
			var got, want notificationsv1.Frame
			for m, f := range map[*notificationsv1.Frame]*frame.Frame{&want: tt.frame, &got: frame.FromText(text, "")} {
				binary, err := f.Binary()
				if err != nil {
					t.Fatal(err)
				}
				if err := proto.Unmarshal(binary, m); err != nil {
					t.Fatal(err)
				}
			}
			if !proto.Equal(&got, &want) || got.GetFrame() == nil {
				t.Errorf("got %v, want %v", &got, &want)
			}
		})
	}
}

func TestBinaryFromInvalidText(t *testing.T) {
	if _, err := frame.FromText([]byte(`{"notification":`), "").Binary(); err == nil {
		t.Error("Binary of invalid JSON: got no error")
	}
}

// FuzzBinary encodes a frame as protobuf, then as JSON, then again as protobuf, and checks that both protobuf messages are
// equal.
func FuzzBinary(f *testing.F) {
	for _, tt := range cases {
		f.Add([]byte(tt.json))
	}
	f.Add([]byte(`{"notification":{"content":{"a":[null,1e300,{"b":"\u0000"}]},"createdAt":"9999-12-31T23:59:59.999999999Z"}}`))
	f.Add([]byte(`{"future":{}}`))
	decode := func(t *testing.T, text []byte) (*notificationsv1.Frame, error) {
		binary, err := frame.FromText(text, "").Binary()
		if err != nil {
			return nil, err
		}
		var m notificationsv1.Frame
		if err := proto.Unmarshal(binary, &m); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return &m, nil
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, err := decode(t, text)
		if err != nil {
			return
		}
		again, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(want)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := decode(t, again); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s is decoded as %v, which is encoded and decoded as %v, %v", text, want, got, err)
		}
	})
}
