package storetest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func sinceSequence(t *testing.T, s suite) {
	player := uuid.New()
	s.fill(t, player, 4)
	s.fill(t, uuid.New(), 2)
	for _, tt := range []struct {
		after int64
		limit int
		want  []int64
	}{
		{0, 10, []int64{1, 2, 3, 4}}, {2, 10, []int64{3, 4}}, {1, 2, []int64{2, 3}}, {4, 10, nil}, {9, 10, nil},
	} {
		list, err := s.store.Since(s.ctx, player, tt.after, tt.limit)
		expectSequence(t, fmt.Sprintf("the page of size %d after %d", tt.limit, tt.after), list, err, tt.want...)
	}
}

func findSequence(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 2)
	if seq, err := s.store.Find(s.ctx, player, all[1].ID); err != nil || seq != 2 {
		t.Errorf("Find = %d, %v, want 2", seq, err)
	}
	for name, ids := range map[string][2]uuid.UUID{
		"an unknown notification":       {player, uuid.New()},
		"another player's notification": {uuid.New(), all[1].ID},
	} {
		if _, err := s.store.Find(s.ctx, ids[0], ids[1]); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("Find of %s: %v, want NOT_FOUND", name, err)
		}
	}
}
