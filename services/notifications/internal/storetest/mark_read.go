package storetest

import (
	"maps"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

func markSome(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 3)
	ids := []uuid.UUID{all[0].ID, all[2].ID, uuid.New()}
	marked, err := s.store.MarkRead(s.ctx, player, ids)
	if err != nil {
		t.Fatal(err)
	}
	sameIDs(t, marked, all[0].ID, all[2].ID)
	again := []uuid.UUID{all[0].ID, all[1].ID, all[1].ID}
	if marked, err = s.store.MarkRead(s.ctx, player, again); err != nil {
		t.Fatal(err)
	}
	sameIDs(t, marked, all[0].ID, all[1].ID)
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{Total: 3}) {
		t.Errorf("Counts = %+v, %v, want 3 in total and none unread", counts, err)
	}
}

func markOtherPlayers(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	theirs := s.fill(t, other, 1)
	marked, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{theirs[0].ID})
	if err != nil || len(marked) != 0 {
		t.Errorf("MarkRead of another player's notification = %v, %v, want none", marked, err)
	}
	if counts, err := s.store.Counts(s.ctx, other); err != nil || counts.Unread != 1 {
		t.Errorf("Counts of the owner = %+v, %v, want 1 unread", counts, err)
	}
}

func markAll(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	s.fill(t, player, 3)
	s.fill(t, other, 2)
	for _, step := range []struct {
		last   int64
		unread int
	}{{0, 3}, {2, 1}, {2, 1}, {3, 0}, {9, 0}} {
		if err := s.store.MarkAllRead(s.ctx, player, step.last); err != nil {
			t.Errorf("MarkAllRead: %v", err)
		}
		want := notifications.Counts{Total: 3, Unread: step.unread}
		if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != want {
			t.Errorf("Counts after MarkAllRead up to %d = %+v, %v, want %+v", step.last, counts, err, want)
		}
	}
	if counts, err := s.store.Counts(s.ctx, other); err != nil || counts.Unread != 2 {
		t.Errorf("Counts of another player = %+v, %v, want 2 unread", counts, err)
	}
}

// sameIDs checks that got and want contain the same ids, in any order. Duplicates count.
func sameIDs(t *testing.T, got []uuid.UUID, want ...uuid.UUID) {
	t.Helper()
	count := func(ids []uuid.UUID) map[uuid.UUID]int {
		m := map[uuid.UUID]int{}
		for _, id := range ids {
			m[id]++
		}
		return m
	}
	if !maps.Equal(count(got), count(want)) {
		t.Errorf("marked %v, want %v", got, want)
	}
}
