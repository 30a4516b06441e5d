package storetest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

func emptyStore(t *testing.T, s suite) {
	player := uuid.New()
	if list, err := s.store.List(s.ctx, player, nil, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v, want none", list, err)
	}
	if list, err := s.store.Since(s.ctx, player, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("Since = %v, %v, want none", list, err)
	}
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{}) {
		t.Errorf("Counts = %+v, %v, want zero", counts, err)
	}
	if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != 0 {
		t.Errorf("LastSeq = %d, %v, want 0", last, err)
	}
	if marked, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{uuid.New()}); err != nil || len(marked) != 0 {
		t.Errorf("MarkRead = %v, %v, want none", marked, err)
	}
	if err := s.store.MarkAllRead(s.ctx, player, 0); err != nil {
		t.Errorf("MarkAllRead: %v", err)
	}
}

func listPages(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	s.fill(t, player, 5)
	s.fill(t, other, 3)
	for _, tt := range []struct {
		before int64
		limit  int
		want   []int64
	}{
		{0, 2, []int64{5, 4}}, {4, 2, []int64{3, 2}}, {2, 2, []int64{1}}, {1, 2, nil}, {0, 9, []int64{5, 4, 3, 2, 1}},
	} {
		list, err := s.store.List(s.ctx, player, nil, tt.before, tt.limit)
		expectSequence(t, fmt.Sprintf("the page of size %d before %d", tt.limit, tt.before), list, err, tt.want...)
		for _, n := range list {
			if n.UserID != player {
				t.Errorf("the page contains a notification of the user %s, want %s", n.UserID, player)
			}
		}
	}
}

func listWhileAdding(t *testing.T, s suite) {
	player := uuid.New()
	s.fill(t, player, 4)
	first, err := s.store.List(s.ctx, player, nil, 0, 2)
	expectSequence(t, "the first page", first, err, 4, 3)
	if _, _, err := s.store.Add(s.ctx, newNotification(player, "late")); err != nil {
		t.Fatal(err)
	}
	second, err := s.store.List(s.ctx, player, nil, first[1].Seq, 2)
	expectSequence(t, "the second page", second, err, 2, 1)
}

func listFiltered(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 6)
	if _, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{all[1].ID, all[4].ID}); err != nil {
		t.Fatal(err)
	}
	read, unread := true, false
	list, err := s.store.List(s.ctx, player, &read, 0, 10)
	expectSequence(t, "the list of read notifications", list, err, 5, 2)
	list, err = s.store.List(s.ctx, player, &unread, 0, 10)
	expectSequence(t, "the list of unread notifications", list, err, 6, 4, 3, 1)
	list, err = s.store.List(s.ctx, player, &unread, 4, 1)
	expectSequence(t, "the second page of unread notifications", list, err, 3)
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{Total: 6, Unread: 4}) {
		t.Errorf("Counts = %+v, %v, want 6 in total and 4 unread", counts, err)
	}
}
