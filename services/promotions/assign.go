package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// AssignParams are the parameters of [AssignmentStore.Assign].
type AssignParams struct {
	Promotion uuid.UUID
	Players   []uuid.UUID
	// By is the employee who assigns the promotion.
	By uuid.UUID
	At time.Time
}

// AssignResult is the outcome of an assignment for one player.
type AssignResult struct {
	Player  uuid.UUID
	Outcome AssignOutcome
}

// The registration event of a player arrives some milliseconds after the registration. Until then the player is unknown.
// Assign therefore waits for unknown players with new ids. The timestamp in a UUIDv7 shows the id's age.
const (
	maxNewPlayerAge  = 10 * time.Second
	registrationWait = 2 * time.Second
	firstAssignRetry = 10 * time.Millisecond
)

// Assign assigns an available promotion to players and notifies the newly assigned players. It returns one result for each
// distinct player, in the order of players. It waits up to two seconds for players who have just registered. Assign is
// idempotent. It fails with NOT_FOUND, PROMOTION_NOT_ACTIVE, PROMOTION_NOT_STARTED or PROMOTION_EXPIRED.
func (s *Service) Assign(ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID) ([]AssignResult, error) {
	results, err := s.assign(ctx, promotion, distinct(players), by)
	if err != nil {
		return nil, err
	}
	s.retryNewPlayers(ctx, promotion, by, results)
	return results, nil
}

// retryNewPlayers repeats the assignment for the unknown new players in results, and updates results. It stops when all of
// them are known, registrationWait has passed or ctx ends. It also stops at an error, and drops the error because the
// earlier results are committed and must be returned.
func (s *Service) retryNewPlayers(ctx context.Context, promotion, by uuid.UUID, results []AssignResult) {
	deadline := time.Now().Add(registrationWait)
	delays := backoff.Policy{Initial: firstAssignRetry, Max: registrationWait}.Delays()
	for time.Now().Before(deadline) {
		missing := s.newPlayers(results)
		if len(missing) == 0 || backoff.Sleep(ctx, min(delays.Next(), time.Until(deadline))) != nil {
			return
		}
		retried, err := s.assign(ctx, promotion, missing, by)
		if err != nil {
			return
		}
		merge(results, retried)
	}
}

func (s *Service) assign(ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID) ([]AssignResult, error) {
	now := s.now()
	a := AssignParams{Promotion: promotion, Players: players, By: by, At: now}
	return s.store.Assign(ctx, a, func(p Promotion) error { return p.Available(now) })
}

// newPlayers returns the unknown players with an id that is newer than maxNewPlayerAge. It accepts ids up to maxNewPlayerAge
// in the future, because clocks differ.
func (s *Service) newPlayers(results []AssignResult) []uuid.UUID {
	var ids []uuid.UUID
	for _, r := range results {
		if r.Outcome != AssignOutcomeUnknownPlayer || r.Player.Version() != 7 {
			continue
		}
		if age := s.now().Sub(time.Unix(r.Player.Time().UnixTime())); age.Abs() < maxNewPlayerAge {
			ids = append(ids, r.Player)
		}
	}
	return ids
}

// merge copies the outcomes of retried into results.
func merge(results, retried []AssignResult) {
	outcomes := make(map[uuid.UUID]AssignOutcome, len(retried))
	for _, r := range retried {
		outcomes[r.Player] = r.Outcome
	}
	for i, r := range results {
		if outcome, ok := outcomes[r.Player]; ok {
			results[i].Outcome = outcome
		}
	}
}

// distinct returns ids without duplicates, in the same order.
func distinct(ids []uuid.UUID) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(ids))
	out := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
