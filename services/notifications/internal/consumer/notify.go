// Package consumer takes in the events that ask for a player to be notified.
package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Group is the consumer group of notifications.
const Group = "notifications"

// Notifications takes in notices. The kind of a notification is the type of its event in lower case, so that a new
// one in the schema needs nothing here. One that the schema does not have yet is put aside, not passed over: somebody is
// to be told of it, and can be by a replay after the upgrade.
func Notifications(s *notifications.Service) event.Subscription {
	return notificationsv1event.OnNotificationEvent(Group,
		func(ctx context.Context, e event.Event, m *notificationsv1.NotificationEvent) error {
			notice, err := toNotice(e, m)
			if err != nil {
				return event.Permanent(err)
			}
			err = s.Notify(ctx, notice)
			if apperr.CodeOf(err) == apperr.ValidationFailed {
				return event.Permanent(err)
			}
			return err
		})
}

func toNotice(e event.Event, m *notificationsv1.NotificationEvent) (notifications.Notice, error) {
	if !eventproto.Known(m.GetEventType()) {
		return notifications.Notice{}, errors.New("eventType is not known to this release")
	}
	player, err := uuid.Parse(m.GetUserId())
	if err != nil {
		return notifications.Notice{}, err
	}
	content, err := contentOf(e, m)
	if err != nil {
		return notifications.Notice{}, err
	}
	return notifications.Notice{
		EventID: e.ID, UserID: player, Type: strings.ToLower(m.GetEventType().String()), Content: content,
	}, nil
}

// contentOf returns the content as a JSON object. That of a record in JSON is kept as it stands there, with members
// that the schema does not know; one in protobuf is written with its false and zero members.
func contentOf(e event.Event, m *notificationsv1.NotificationEvent) (map[string]any, error) {
	if e.ContentType != event.ContentProtobuf {
		var record struct {
			Content map[string]any `json:"content"`
		}
		// A record that the schema's decoder has read is JSON, unless its content type is protobuf under another name.
		if err := json.Unmarshal(e.Data, &record); err == nil {
			return record.Content, nil
		}
	}
	if m.GetContent() == nil {
		return nil, nil //nolint:nilnil // no content
	}
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m.GetContent())
	if err != nil {
		return nil, err
	}
	var content map[string]any
	return content, json.Unmarshal(text, &content)
}
