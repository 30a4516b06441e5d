package users

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// RestrictionParams describes a restriction that an employee sets.
type RestrictionParams struct {
	Player uuid.UUID
	Kind   RestrictionKind
	// Until is the end of the restriction; zero if it has none.
	Until  time.Time
	Reason string
	// By is the employee.
	By uuid.UUID
}

// SetRestriction restricts a player, or replaces the restriction of the kind that an employee has set. It is idempotent.
// After it, no promotional credit is added to the ledger of the player if the kind refuses promotions.
//
// Errors: NOT_FOUND if no player has the id, VALIDATION_FAILED if the restriction ends too early, and TOKEN_REVOKED if the
// employee has been deactivated in the meantime.
func (s *Service) SetRestriction(ctx context.Context, p RestrictionParams) (Restriction, error) {
	r, err := s.newRestriction(p.Player, p.Kind, p.Until)
	if err != nil {
		return Restriction{}, err
	}
	r.Reason, r.SetBy = p.Reason, p.By
	return s.store.SetRestriction(ctx, p.By, r, func(before Restriction) (bool, error) {
		now := s.now()
		if before.InForce(now) && before.Until.Equal(r.Until) && before.Reason == r.Reason && before.SetBy == r.SetBy {
			return false, nil
		}
		return true, r.checkUntil(now)
	})
}

// newRestriction returns a restriction of a player. The store sets the time at which it begins.
func (s *Service) newRestriction(player uuid.UUID, kind RestrictionKind, until time.Time) (Restriction, error) {
	id, err := uuid.NewV7()
	return Restriction{ID: id, UserID: player, Kind: kind, Until: until.Truncate(time.Microsecond)}, err
}
