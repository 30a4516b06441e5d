package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// AddRestriction restricts a player who asks for it, or extends a restriction that the player has set. It is idempotent. It
// neither changes nor reveals restrictions that employees have set.
//
// Errors: VALIDATION_FAILED for a kind that players cannot set or a restriction that ends too early, RESTRICTION_LOCKED if
// the restriction would end earlier than before, and RATE_LIMITED.
func (s *Service) AddRestriction(
	ctx context.Context, player uuid.UUID, kind RestrictionKind, until time.Time,
) (Restriction, error) {
	if !kind.SetByPlayers() {
		return Restriction{}, apperr.Invalid("kind", "set_by_players", "must be one of %s", kindsOfPlayers())
	}
	r, err := s.newRestriction(player, kind, until)
	if err != nil {
		return Restriction{}, err
	}
	if r.checkUntil(s.now()) == nil {
		if err := s.countChange(ctx, player, kind); err != nil {
			return Restriction{}, err
		}
	}
	r.SetBy, r.ByPlayer = player, true
	return s.store.SetRestriction(ctx, player, r, func(before Restriction) (bool, error) {
		now := s.now()
		if !before.InForce(now) {
			return true, r.checkUntil(now)
		}
		if before.Until.Equal(r.Until) {
			return false, nil
		}
		if err := r.checkUntil(now); err != nil {
			return false, err
		}
		if r.endsBefore(before) && !kind.LiftedByPlayers() {
			return false, locked(kind)
		}
		return true, nil
	})
}
