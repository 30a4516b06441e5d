package promotions_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

// arriving is a store that gets to know players at the second look at them.
type arriving struct {
	promotions.Store
	looks []int // how many players each look was at
	seen  map[uuid.UUID]bool
}

func (a *arriving) Assign(_ context.Context, g promotions.AssignParams, _ func(promotions.Promotion) error) ([]promotions.AssignResult, error) {
	a.looks = append(a.looks, len(g.Players))
	var results []promotions.AssignResult
	for _, player := range g.Players {
		outcome := promotions.AssignOutcomeUnknownPlayer
		if a.seen[player] {
			outcome = promotions.AssignOutcomeAssigned
		}
		a.seen[player] = true
		results = append(results, promotions.AssignResult{Player: player, Outcome: outcome})
	}
	return results, nil
}

func TestAssignWaitsForNewcomers(t *testing.T) {
	store := &arriving{seen: map[uuid.UUID]bool{}}
	service := promotions.New(store, nil, time.Now)
	known, now, then, random := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.New()
	then[0] ^= 1 // decades ago
	store.seen[known] = true
	results, err := service.Assign(t.Context(), uuid.New(), []uuid.UUID{then, known, now, random, now}, uuid.New())
	want := []promotions.AssignResult{
		{Player: then, Outcome: promotions.AssignOutcomeUnknownPlayer}, {Player: known, Outcome: promotions.AssignOutcomeAssigned},
		{Player: now, Outcome: promotions.AssignOutcomeAssigned}, {Player: random, Outcome: promotions.AssignOutcomeUnknownPlayer},
	}
	if err != nil || !slices.Equal(results, want) {
		t.Errorf("got %v, %v, want %v", results, err, want)
	}
	if !slices.Equal(store.looks, []int{4, 1}) {
		t.Errorf("the looks were at %v players, want at all of them, then at the newcomer", store.looks)
	}
}

func TestAssignDoesNotWaitForACallerWhoLeft(t *testing.T) {
	store := &arriving{seen: map[uuid.UUID]bool{}}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	player := uuid.Must(uuid.NewV7())
	results, err := promotions.New(store, nil, time.Now).Assign(ctx, uuid.New(), []uuid.UUID{player}, uuid.New())
	if err != nil || len(results) != 1 || len(store.looks) != 1 {
		t.Errorf("got %v, %v after %d looks", results, err, len(store.looks))
	}
}
