package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// CountMany checks that the store counts exactly up to keyset.MaxExactTotal, and stops above it. The function insert inserts
// notifications with the sequence numbers from first to last into the store.
func CountMany(t *testing.T, store Store, insert func(player uuid.UUID, first, last int, read bool)) {
	const most, more = keyset.MaxExactTotal, keyset.MaxExactTotal + 1
	unread, read := uuid.New(), uuid.New()
	insert(unread, 1, 3, true)
	insert(read, 1, 3, false)
	inserted := 3
	for _, tt := range []struct {
		last, counted int // notifications
	}{{most + 3, most}, {most + 53, more}} {
		insert(unread, inserted+1, tt.last, false)
		insert(read, inserted+1, tt.last, true)
		inserted = tt.last
		for player, want := range map[uuid.UUID]notifications.Counts{
			unread: {Total: tt.last, Unread: tt.counted}, read: {Total: tt.last, Unread: 3},
		} {
			if counts, err := store.Counts(t.Context(), player); err != nil || counts != want {
				t.Errorf("Counts = %+v, %v, want %+v", counts, err, want)
			}
		}
		for player, want := range map[uuid.UUID]int{unread: 3, read: tt.counted} {
			if n, err := store.CountRead(t.Context(), player); err != nil || n != want {
				t.Errorf("CountRead = %d, %v, want %d", n, err, want)
			}
		}
	}
}
