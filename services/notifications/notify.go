package notifications

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Notice is a request to notify a player of an event.
type Notice struct {
	// EventID identifies the event. At most one notification is stored per event.
	EventID string
	UserID  uuid.UUID
	// Type is the kind of notification, such as "promotion".
	Type string
	// Content is a JSON object, decoded by encoding/json.
	Content map[string]any
}

// notifyTimeout limits one attempt. A store that does not answer must not block a partition of the bus. After a timeout,
// the event is delivered again.
const notifyTimeout = 15 * time.Second

// Notify stores a notice as the player's next notification, once per event, and pushes it to the player's connections. If
// the event is redelivered, Notify pushes the stored notification again, because an earlier attempt may have failed
// before the push. Connections drop duplicates. Notify returns VALIDATION_FAILED for an invalid notice; a retry cannot
// succeed.
func (s *Service) Notify(ctx context.Context, notice Notice) error {
	if err := notice.validate(); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	n, _, err := s.store.Add(ctx, Notification{
		ID: id, Type: notice.Type, Content: notice.Content,
		CreatedAt: s.now(), UserID: notice.UserID, EventID: notice.EventID,
	})
	if err != nil {
		return err
	}
	s.live.Notified(ctx, n)
	return nil
}

func (n Notice) validate() error {
	switch {
	case n.EventID == "":
		return apperr.Invalid("id", "required", "the event has no id")
	case n.UserID == uuid.Nil:
		return apperr.Invalid("user_id", "required", "the notification has no player")
	case n.Type == "":
		return apperr.Invalid("eventType", "required", "the notification has no type")
	case len(n.Content) == 0:
		return apperr.Invalid("content", "required", "the notification has no content")
	case hasNUL(n.EventID), hasNUL(n.Type), hasNUL(n.Content):
		return apperr.Invalid("content", "string.nul", "a text contains a NUL character")
	}
	return nil
}

// hasNUL reports whether a decoded JSON value contains U+0000. Neither PostgreSQL's jsonb type nor the keys of BSON
// documents can store this character.
func hasNUL(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		if slices.ContainsFunc(v, hasNUL) {
			return true
		}
	case map[string]any:
		for key, member := range v {
			if hasNUL(key) || hasNUL(member) {
				return true
			}
		}
	}
	return false
}
