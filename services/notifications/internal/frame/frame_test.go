package frame_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

var (
	id  = uuid.MustParse("0195f3a0-0000-7000-8000-000000000001")
	all = map[string]struct {
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
			frame.Read(notifications.ReadState{IDs: []uuid.UUID{id}, Unread: 2}),
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
	for name, tt := range all {
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

func TestBinaryOfText(t *testing.T) {
	for name, tt := range all {
		t.Run(name, func(t *testing.T) {
			text, err := tt.frame.Text()
			if err != nil {
				t.Fatal(err)
			}
			var got, want notificationsv1.Frame
			for m, f := range map[*notificationsv1.Frame]*frame.Frame{&want: tt.frame, &got: frame.FromText(text)} {
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

func TestBinaryOfGarbage(t *testing.T) {
	if _, err := frame.FromText([]byte(`{"notification":`)).Binary(); err == nil {
		t.Error("garbage was encoded")
	}
}
