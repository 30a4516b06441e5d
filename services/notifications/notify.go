package notifications

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Notice is what an event asks a player to be told.
type Notice struct {
	// EventID identifies the event; one notification is stored for it.
	EventID string
	UserID  uuid.UUID
	// Type is the kind of the notification, "promotion".
	Type string
	// Content is a JSON object as encoding/json decodes one.
	Content map[string]any
}

// notifyTimeout bounds one attempt. A store that falls silent must not hold a partition of the bus for ever: the
// event is delivered again.
const notifyTimeout = 15 * time.Second

// Notify stores a notice as the player's next notification, once however often its event is delivered, and pushes it to
// the player's connections. A redelivered event is pushed again, since it may have been lost between the two; a
// connection that has seen it drops it. A notice that can never be stored is VALIDATION_FAILED.
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
		return apperr.Invalid("id", "required", "an event needs an id")
	case n.UserID == uuid.Nil:
		return apperr.Invalid("user_id", "required", "a notification needs a player")
	case n.Type == "":
		return apperr.Invalid("eventType", "required", "a notification needs a type")
	case len(n.Content) == 0:
		return apperr.Invalid("content", "required", "a notification needs a content")
	case hasNUL(n.EventID), hasNUL(n.Type), hasNUL(n.Content):
		return apperr.Invalid("content", "string.nul", "a text holds a NUL character, which cannot be stored")
	}
	return nil
}

// hasNUL reports whether a text within a decoded JSON value holds U+0000. PostgreSQL's jsonb knows none, nor do the
// keys of a BSON document.
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
