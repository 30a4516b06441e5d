package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Store stores notifications. A result that a method returned survives a crash of the store. Methods are safe for
// concurrent use, also by several processes.
type Store interface {
	// Add stores n as its player's next notification and returns it with its sequence number, and true. If a notification
	// of the same event is stored already, it returns that one, and false.
	Add(ctx context.Context, n Notification) (Notification, bool, error)
	// List returns at most limit notifications of the player, newest first. Unless before is 0, only those with sequence
	// numbers below before; unless read is nil, only those with read equal to *read.
	List(ctx context.Context, player uuid.UUID, read *bool, before int64, limit int) ([]Notification, error)
	// Counts returns the number of the player's notifications and of the unread ones.
	Counts(ctx context.Context, player uuid.UUID) (Counts, error)
	// MarkRead marks the player's notifications among ids as read. It returns their ids, each once and in no particular
	// order, including those that were read before.
	MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error)
	// MarkAllRead marks the player's notifications with sequence numbers up to last as read.
	MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error
	// Since returns at most limit notifications of the player with sequence numbers above after, oldest first.
	Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]Notification, error)
	// Find returns the sequence number of a notification. It returns NOT_FOUND if the player has no such notification.
	Find(ctx context.Context, player, id uuid.UUID) (int64, error)
	// LastSeq returns the sequence number of the player's newest notification, 0 if there is none.
	LastSeq(ctx context.Context, player uuid.UUID) (int64, error)
}

// Counts are the numbers of a player's notifications. Unread counts only the first Total notifications. So the number of
// read ones, Total - Unread, never decreases, and of two counts the larger one is newer.
type Counts struct {
	Total, Unread int
}

// Live sends to a player's open connections on all replicas.
type Live interface {
	// Notified pushes a stored notification. A notification that cannot be pushed now is delivered later, in order.
	Notified(ctx context.Context, n Notification)
	// Read pushes a read state. It makes one attempt: a connection that misses it gets the unread count when it can be
	// reached again.
	Read(ctx context.Context, player uuid.UUID, state ReadState)
}

// ReadState reports notifications that were marked as read.
type ReadState struct {
	// IDs are the notifications. They are empty if All is true, which means the first Total notifications.
	IDs []uuid.UUID
	All bool
	// Counts are the player's counts after the mark.
	Counts
}
