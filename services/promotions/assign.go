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
	// Reassign is true to assign the promotion again to players whose assignment was revoked or has expired.
	Reassign bool
	At       time.Time
}

// AssignResult is the outcome of an assignment for one player.
type AssignResult struct {
	Player  uuid.UUID
	Outcome AssignOutcome
}

// RegistrationWait is how long use cases wait for the event of a registration, which arrives some milliseconds after the
// registration. Until then the player is unknown. Assign waits for unknown players with new ids. A job for all players does
// not end before this time has passed since its creation.
const RegistrationWait = 2 * time.Second

const (
	// maxNewPlayerAge is the greatest age of a new id. The timestamp in a UUIDv7 shows the id's age.
	maxNewPlayerAge  = 10 * time.Second
	firstAssignRetry = 10 * time.Millisecond
)

// Assign assigns an available promotion to players and notifies the newly assigned players. It refuses players with a
// restriction that refuses promotions, also if they already have the promotion, and records the refusals. It returns one
// result for each distinct player, in the order of players. It first waits up to two seconds for players who have just
// registered. Assign is idempotent, unless reassign is true; it then assigns the promotion again to players whose assignment
// was revoked or has expired. It fails with NOT_FOUND, PROMOTION_NOT_ACTIVE, PROMOTION_NOT_STARTED or PROMOTION_EXPIRED.
func (s *Service) Assign(
	ctx context.Context, promotion uuid.UUID, players []uuid.UUID, by uuid.UUID, reassign bool,
) ([]AssignResult, error) {
	players = distinct(players)
	s.awaitNewPlayers(ctx, players)
	now := s.now()
	a := AssignParams{Promotion: promotion, Players: players, By: by, Reassign: reassign, At: now}
	return s.store.Assign(ctx, a, func(p Promotion) error { return p.Available(now) })
}

// awaitNewPlayers waits until all new players are known, RegistrationWait has passed or ctx ends. It also stops at an error,
// which the assignment then meets, too.
func (s *Service) awaitNewPlayers(ctx context.Context, players []uuid.UUID) {
	missing := s.newPlayers(players)
	deadline := time.Now().Add(RegistrationWait)
	delays := backoff.Policy{Initial: firstAssignRetry, Max: RegistrationWait}.Delays()
	for len(missing) > 0 {
		var err error
		if missing, err = s.store.UnknownPlayers(ctx, missing); err != nil || len(missing) == 0 {
			return
		}
		left := time.Until(deadline)
		if left <= 0 || backoff.Sleep(ctx, min(delays.Next(), left)) != nil {
			return
		}
	}
}

// newPlayers returns the players with an id that is newer than maxNewPlayerAge. It accepts ids up to maxNewPlayerAge in the
// future, because clocks differ.
func (s *Service) newPlayers(players []uuid.UUID) []uuid.UUID {
	var ids []uuid.UUID
	for _, player := range players {
		if player.Version() != 7 {
			continue
		}
		if age := s.now().Sub(time.Unix(player.Time().UnixTime())); age.Abs() < maxNewPlayerAge {
			ids = append(ids, player)
		}
	}
	return ids
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
