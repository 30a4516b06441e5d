package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Entry is the part of a stored notification that an audit checks.
type Entry struct {
	EventID string
	UserID  uuid.UUID
	Seq     int64
	Type    string
	// ContentID is the member "id" of the content, such as the promotion's id. It is empty if the content has no such member.
	ContentID string
}

// Auditor reads all stored notifications.
type Auditor interface {
	// Walk calls fn with every notification, player by player, in the order of the sequence numbers. It stops at the first
	// error of fn and returns it. Walk may omit notifications that are stored during the call.
	Walk(ctx context.Context, fn func(Entry) error) error
}
