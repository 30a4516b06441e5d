package promotions_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

// registeringStore is a fake store. UnknownPlayers reports an unknown player once.
type registeringStore struct {
	promotions.Store
	calls []int // the number of players of each call of UnknownPlayers
	known map[uuid.UUID]bool
}

func (s *registeringStore) UnknownPlayers(_ context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	s.calls = append(s.calls, len(ids))
	var unknown []uuid.UUID
	for _, player := range ids {
		if !s.known[player] {
			unknown = append(unknown, player)
		}
		s.known[player] = true
	}
	return unknown, nil
}

func (s *registeringStore) Assign(_ context.Context, a promotions.AssignParams, _ func(promotions.Promotion) error) ([]promotions.AssignResult, error) {
	var results []promotions.AssignResult
	for _, player := range a.Players {
		outcome := promotions.AssignOutcomeUnknownPlayer
		if s.known[player] {
			outcome = promotions.AssignOutcomeAssigned
		}
		results = append(results, promotions.AssignResult{Player: player, Outcome: outcome})
	}
	return results, nil
}

func TestAssignWaitsForNewPlayers(t *testing.T) {
	store := &registeringStore{known: map[uuid.UUID]bool{}}
	service := promotions.New(store, nil, time.Now)
	known, unknown, old, random := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.New()
	old[0] ^= 1 // moves the timestamp in the id back by decades
	store.known[known] = true
	results, err := service.Assign(t.Context(), uuid.New(), []uuid.UUID{old, known, unknown, random, unknown}, uuid.New(), false)
	want := []promotions.AssignResult{
		{Player: old, Outcome: promotions.AssignOutcomeUnknownPlayer}, {Player: known, Outcome: promotions.AssignOutcomeAssigned},
		{Player: unknown, Outcome: promotions.AssignOutcomeAssigned}, {Player: random, Outcome: promotions.AssignOutcomeUnknownPlayer},
	}
	if err != nil || !slices.Equal(results, want) {
		t.Errorf("got %v, %v, want %v", results, err, want)
	}
	if !slices.Equal(store.calls, []int{2, 1}) {
		t.Errorf("the store looked up %v players, want [2 1]", store.calls)
	}
}

func TestAssignStopsWaitingWhenTheContextEnds(t *testing.T) {
	store := &registeringStore{known: map[uuid.UUID]bool{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	player := uuid.Must(uuid.NewV7())
	results, err := promotions.New(store, nil, time.Now).Assign(ctx, uuid.New(), []uuid.UUID{player}, uuid.New(), false)
	if err != nil || len(results) != 1 || len(store.calls) != 1 {
		t.Errorf("got %v, %v after %d look-ups, want one result after one look-up", results, err, len(store.calls))
	}
}
