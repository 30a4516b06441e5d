package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Entry is one stored notification as an audit sees it.
type Entry struct {
	EventID string
	UserID  uuid.UUID
	Seq     int64
	Type    string
	// ContentID is the id of what the notification tells of; empty where its content has none.
	ContentID string
}

// Auditor walks through everything that is stored.
type Auditor interface {
	// Walk calls fn with every notification, those of one player one after the other in the order of their numbers,
	// until fn returns an error, which it returns. What is stored meanwhile may be left out.
	Walk(ctx context.Context, fn func(Entry) error) error
}
