// Package consumer handles the events that request a notification for a player.
package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Group is the consumer group of notifications.
const Group = "notifications"

// Notifications returns the subscription to notification events. The type of a notification is the event type in lower case,
// so a new event type in the schema needs no change here. An event with a type that is unknown to this version becomes a
// dead letter. It can be replayed after the upgrade.
func Notifications(s *notifications.Service) event.Subscription {
	check := eventproto.Checker((&notificationsv1.NotificationEvent{}).ProtoReflect().Descriptor())
	return notificationsv1event.OnNotificationEvent(Group,
		func(ctx context.Context, e event.Event, m *notificationsv1.NotificationEvent) error {
			if err := check(m); err != nil {
				return err
			}
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
		return notifications.Notice{}, errors.New("eventType is unknown to this version")
	}
	player, err := uuid.Parse(m.GetUserId())
	if err != nil {
		return notifications.Notice{}, err
	}
	content, err := contentOf(e, m)
	if err != nil {
		return notifications.Notice{}, err
	}
	if err := checkTexts(content); err != nil { // also of members that are not in the schema
		return notifications.Notice{}, fmt.Errorf("content: %w", err)
	}
	return notifications.Notice{
		EventID: e.ID, UserID: player, Type: strings.ToLower(m.GetEventType().String()), Content: content,
	}, nil
}

// contentOf returns the content as a JSON object. It keeps the content of a JSON record unchanged, including members that
// are not in the schema. The JSON of a protobuf record includes false and zero members, but no enum without a value: an
// older release does not set the enums that a newer one adds. The result is nil if there is no content.
func contentOf(e event.Event, m *notificationsv1.NotificationEvent) (map[string]any, error) {
	if e.ContentType != event.ContentProtobuf {
		var record struct {
			Content map[string]any `json:"content"`
		}
		// The decoder has accepted the record, so this fails only for protobuf with another content type.
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
	if err := json.Unmarshal(text, &content); err != nil {
		return nil, err
	}
	for fields, i := m.GetContent().ProtoReflect().Descriptor().Fields(), 0; i < fields.Len(); i++ {
		if fd := fields.Get(i); fd.Enum() != nil && !m.GetContent().ProtoReflect().Has(fd) {
			delete(content, fd.JSONName())
		}
	}
	return content, nil
}

// checkTexts returns an error if a text or the name of a member of a decoded JSON value contains a character that no text
// may contain.
func checkTexts(value any) error {
	switch v := value.(type) {
	case string:
		return validation.CheckText(v)
	case []any:
		for _, element := range v {
			if err := checkTexts(element); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, member := range v {
			if err := errors.Join(validation.CheckText(name), checkTexts(member)); err != nil {
				return err
			}
		}
	}
	return nil
}
