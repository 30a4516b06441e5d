// Package storetest is the conformance suite of the notification stores.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Store is the interface that the suite tests.
type Store interface {
	notifications.Store
	notifications.Auditor
}

// Run runs the suite. For each test, open returns an empty store and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(t *testing.T, s suite){
		"Add assigns sequence numbers":    addSequence,
		"Add repeated event":              addRepeatedEvent,
		"Add concurrently":                addConcurrently,
		"Add keeps all fields":            addRoundTrip,
		"Add with canceled context":       addWithCanceledContext,
		"empty store":                     emptyStore,
		"List pages":                      listPages,
		"List while notifications arrive": listWhileAdding,
		"List filtered":                   listFiltered,
		"MarkRead":                        markSome,
		"MarkRead of another player":      markOtherPlayers,
		"MarkAllRead":                     markAll,
		"Since":                           sinceSequence,
		"Find":                            findSequence,
		"Walk":                            walkEntries,
	} {
		t.Run(name, func(t *testing.T) { test(t, suite{store: open(t), ctx: t.Context()}) })
	}
}

// suite is the state of one test.
type suite struct {
	store Store
	ctx   context.Context
}

// createdAt has millisecond precision, because every store keeps milliseconds.
var createdAt = time.Date(2026, 3, 10, 12, 30, 15, 123_000_000, time.UTC)

// newNotification returns an unread notification for an event.
func newNotification(player uuid.UUID, event string) notifications.Notification {
	return notifications.Notification{
		ID: uuid.Must(uuid.NewV7()), Type: "promotion", Content: map[string]any{"id": "content of " + event, "title": event},
		CreatedAt: createdAt, UserID: player, EventID: event,
	}
}

// fill adds n notifications for the player and returns them, oldest first.
func (s suite) fill(t *testing.T, player uuid.UUID, n int) []notifications.Notification {
	t.Helper()
	list := make([]notifications.Notification, n)
	for i := range list {
		stored, added, err := s.store.Add(s.ctx, newNotification(player, fmt.Sprintf("%s-%d", player, i)))
		if err != nil || !added {
			t.Fatalf("Add = added %t, %v, want true", added, err)
		}
		list[i] = stored
	}
	return list
}

// expectSequence checks that err is nil and that the sequence numbers of the list are want, in order.
func expectSequence(t *testing.T, what string, list []notifications.Notification, err error, want ...int64) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var got []int64
	for _, n := range list {
		got = append(got, n.Seq)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has the sequence numbers %v, want %v", what, got, want)
	}
}
