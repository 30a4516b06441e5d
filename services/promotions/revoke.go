package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// RevokeParams are the parameters of [AssignmentStore.Revoke].
type RevokeParams struct {
	Promotion uuid.UUID
	Players   []uuid.UUID
	At        time.Time
}

// RevokeResult is the outcome of a revocation for one player.
type RevokeResult struct {
	Player  uuid.UUID
	Outcome RevokeOutcome
}

// Revoke waits for claims that are being paid, but not for further ones. Most of them end after some milliseconds.
const (
	claimWait       = 2 * time.Second
	firstClaimRetry = 10 * time.Millisecond
)

// Revoke revokes the unclaimed assignments of a promotion to players, and notifies these players. It returns one result for
// each distinct player, in the order of players. Revoke is idempotent. It fails with NOT_FOUND, and with
// DEPENDENCY_UNAVAILABLE if claims of the players are still being paid after two seconds; it has then revoked the
// assignments of the other players.
func (s *Service) Revoke(ctx context.Context, promotion uuid.UUID, players []uuid.UUID) ([]RevokeResult, error) {
	players = distinct(players)
	waiting, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	delays := backoff.Policy{Initial: firstClaimRetry, Max: claimWait}.Delays()
	for {
		results, beingPaid, err := s.store.Revoke(ctx, RevokeParams{Promotion: promotion, Players: players, At: s.now()})
		if err != nil || beingPaid == 0 {
			return results, err
		}
		if delays.Sleep(waiting) != nil {
			e := apperr.New(apperr.DependencyUnavailable, "claims of %d of the players are being paid; repeat the request", beingPaid)
			e.RetryAfter = payTime
			return nil, e
		}
	}
}
