package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Store stores notifications. A change is durable when its method returns without an error. Methods are safe for concurrent
// use, including by several processes.
type Store interface {
	// Add stores n as the player's next notification. It returns the notification with its sequence number, and true. If a
	// notification of the same event is already stored, Add stores nothing and returns the stored notification, and false.
	Add(ctx context.Context, n Notification) (Notification, bool, error)
	// List returns at most limit notifications of the player, newest first. If before is not 0, it returns only notifications
	// with lower sequence numbers than that. If read is not nil, it returns only read notifications (true) or only unread
	// notifications (false).
	List(ctx context.Context, player uuid.UUID, read *bool, before int64, limit int) ([]Notification, error)
	// Counts returns the player's total and unread numbers of notifications.
	Counts(ctx context.Context, player uuid.UUID) (Counts, error)
	// CountRead returns the number of the player's read notifications. It stops counting above keyset.MaxExactTotal.
	CountRead(ctx context.Context, player uuid.UUID) (int, error)
	// MarkRead marks the player's notifications among ids as read. It returns the ids of these notifications, also if they were
	// read before. Each id occurs once; the order is unspecified.
	MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error)
	// MarkAllRead marks the player's notifications with sequence numbers up to last as read.
	MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error
	// Since returns at most limit notifications of the player with higher sequence numbers than after, oldest first.
	Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]Notification, error)
	// Find returns the sequence number of a notification. It returns NOT_FOUND if the player has no such notification.
	Find(ctx context.Context, player, id uuid.UUID) (int64, error)
	// LastSeq returns the sequence number of the player's newest notification, or 0 if the player has no notifications.
	LastSeq(ctx context.Context, player uuid.UUID) (int64, error)
}

// Counts are the total and unread numbers of a player's notifications. Unread counts only the first Total notifications, and
// is at most keyset.MaxExactTotal+1, which means more than keyset.MaxExactTotal. Up to that number, Total - Unread is the
// number of read notifications. Total - Unread never decreases: of two Counts with different values, the one with the larger
// value is newer.
type Counts struct {
	Total, Unread int
}

// Live sends to a player's open connections on all replicas.
type Live interface {
	// Notified pushes a stored notification. A notification that cannot be pushed now is delivered later, in order.
	Notified(ctx context.Context, n Notification)
	// Read pushes a read state. It makes only one attempt. A connection that misses the read state gets the unread count when
	// it can be reached again.
	Read(ctx context.Context, player uuid.UUID, state ReadState)
}

// ReadState reports notifications that were marked as read.
type ReadState struct {
	// IDs are the ids of the marked notifications. If All is true, IDs is empty and the first Total notifications were marked.
	IDs []uuid.UUID
	All bool
	// Counts are the player's counts after the notifications were marked.
	Counts
}
