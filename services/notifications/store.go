package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Store keeps notifications. What one of its methods has answered survives a crash of the store. Methods are safe for
// concurrent use, by several processes too.
type Store interface {
	// Add stores n as its player's next notification and returns it with its number, and true. If the event of n is
	// stored already, it returns what is stored, and false.
	Add(ctx context.Context, n Notification) (Notification, bool, error)
	// List returns the player's notifications with numbers below before, all if before is 0, newest first, at most
	// limit. Those with read equal to *read; all if read is nil.
	List(ctx context.Context, player uuid.UUID, read *bool, before int64, limit int) ([]Notification, error)
	// Counts counts the player's notifications, and how many of these are unread.
	Counts(ctx context.Context, player uuid.UUID) (Counts, error)
	// MarkRead marks those of ids that are the player's and returns them, marked before or not, each once, in no order.
	MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error)
	// MarkAllRead marks the player's notifications with numbers up to last.
	MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error
	// Since returns the player's notifications with numbers above after, oldest first, at most limit.
	Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]Notification, error)
	// Find returns the number of a notification, or NOT_FOUND if it is not the player's.
	Find(ctx context.Context, player, id uuid.UUID) (int64, error)
	// LastSeq returns the number of the player's newest notification, 0 if there is none.
	LastSeq(ctx context.Context, player uuid.UUID) (int64, error)
}

// Counts says how many notifications a player has. Unread are those of the first Total, and of no others: so the
// difference, what was read, never shrinks, which tells an older count from a newer one.
type Counts struct {
	Total, Unread int
}

// Live reaches a player's open connections, whichever replica holds them.
type Live interface {
	// Notified pushes a stored notification. It does not fail: what cannot be pushed now is made good later, in order.
	Notified(ctx context.Context, n Notification)
	// Read tells what was marked as read. It does its best: a connection that misses it is told the count of unread
	// notifications when it can be reached again.
	Read(ctx context.Context, player uuid.UUID, state ReadState)
}

// ReadState says what was marked as read.
type ReadState struct {
	// IDs are the notifications; empty where All is true, which means the first Total.
	IDs []uuid.UUID
	All bool
	// Counts says what is left.
	Counts
}
