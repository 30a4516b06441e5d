package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// AssignParams is a promotion on its way to players.
type AssignParams struct {
	Promotion uuid.UUID
	Players   []uuid.UUID
	// By is the employee who assigns.
	By uuid.UUID
	At time.Time
}

// AssignResult says what became of one player.
type AssignResult struct {
	Player  uuid.UUID
	Outcome AssignOutcome
}

// A player is known here once the event of the registration has arrived, which takes some milliseconds. Whoever registers
// a player and at once assigns something must not be told that there is no such player: the ids of newcomers are waited
// for. That an id is new, it says itself, being a UUIDv7.
const (
	newcomer  = 10 * time.Second // how young an id is waited for
	arrival   = 2 * time.Second  // how long
	firstLook = 10 * time.Millisecond
)

// Assign assigns an active and currently available promotion to players and answers for each of them, in their order; a
// player given twice is answered once. Those newly assigned are notified. Asking again changes nothing.
func (s *Service) Assign(ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID) ([]AssignResult, error) {
	results, err := s.assign(ctx, promotion, distinct(players), by)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(arrival)
	for pause := firstLook; time.Now().Before(deadline); pause *= 2 {
		missing := s.newcomers(results)
		if len(missing) == 0 || !wait(ctx, min(pause, time.Until(deadline))) {
			break
		}
		late, err := s.assign(ctx, promotion, missing, by)
		if err != nil {
			return results, nil //nolint:nilerr // the others are assigned, and answered for
		}
		fill(results, late)
	}
	return results, nil
}

func (s *Service) assign(ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID) ([]AssignResult, error) {
	now := s.now()
	a := AssignParams{Promotion: promotion, Players: players, By: by, At: now}
	return s.store.Assign(ctx, a, func(p Promotion) error { return p.Available(now) })
}

// newcomers are the players who are not known and may have registered just now.
func (s *Service) newcomers(results []AssignResult) []uuid.UUID {
	var ids []uuid.UUID
	for _, r := range results {
		if r.Outcome != AssignOutcomeUnknownPlayer || r.Player.Version() != 7 {
			continue
		}
		if age := s.now().Sub(time.Unix(r.Player.Time().UnixTime())); age.Abs() < newcomer {
			ids = append(ids, r.Player)
		}
	}
	return ids
}

// fill puts what became of some players into the results for all.
func fill(results, some []AssignResult) {
	outcomes := make(map[uuid.UUID]AssignOutcome, len(some))
	for _, r := range some {
		outcomes[r.Player] = r.Outcome
	}
	for i, r := range results {
		if outcome, ok := outcomes[r.Player]; ok {
			results[i].Outcome = outcome
		}
	}
}

// wait waits for d and reports whether ctx lasted that long.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

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
