package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Assigning is a promotion on its way to players.
type Assigning struct {
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

// Assign assigns an active and currently available promotion to players and answers for each of them, in their order; a
// player given twice is answered once. Those newly assigned are notified. Asking again changes nothing.
func (s *Service) Assign(ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID) ([]AssignResult, error) {
	now := s.timestamp()
	a := Assigning{Promotion: promotion, Players: distinct(players), By: by, At: now}
	return s.store.Assign(ctx, a, func(p Promotion) error { return p.Available(now) })
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
