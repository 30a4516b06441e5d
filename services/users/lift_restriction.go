package users

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// LiftRestriction lifts the restrictions of a kind of a player, including the one that the player has set. Errors: NOT_FOUND
// if the player has none, and TOKEN_REVOKED if the employee by has been deactivated in the meantime.
func (s *Service) LiftRestriction(ctx context.Context, by, player uuid.UUID, kind RestrictionKind) error {
	return s.lift(ctx, by, player, func(r Restriction) bool { return r.Kind == kind }, func(chosen int) error {
		if chosen == 0 {
			return noRestriction(kind)
		}
		return nil
	})
}

// LiftOwnRestriction lifts a restriction that the player has set. Errors: NOT_FOUND if the player has not set it,
// RESTRICTION_LOCKED if players cannot lift the kind, and RATE_LIMITED.
func (s *Service) LiftOwnRestriction(ctx context.Context, player uuid.UUID, kind RestrictionKind) error {
	if kind.LiftedByPlayers() {
		if err := s.countChange(ctx, player, kind); err != nil {
			return err
		}
	}
	own := func(r Restriction) bool { return r.Kind == kind && r.ByPlayer }
	return s.lift(ctx, player, player, own, func(chosen int) error {
		switch {
		case chosen == 0:
			return noRestriction(kind)
		case !kind.LiftedByPlayers():
			return locked(kind)
		}
		return nil
	})
}

// lift ends the restrictions of a player that are in force and selected, unless check returns an error for their number.
func (s *Service) lift(
	ctx context.Context, by, player uuid.UUID, selected func(Restriction) bool, check func(chosen int) error,
) error {
	return s.store.LiftRestrictions(ctx, by, player, func(open []Restriction) ([]Restriction, error) {
		chosen := slices.DeleteFunc(InForce(open, s.now()), func(r Restriction) bool { return !selected(r) })
		return chosen, check(len(chosen))
	})
}
