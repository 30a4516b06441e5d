package users

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// ListRestrictions lists the restrictions of a user that have not expired, oldest first. The list is empty for a user who is
// not a player. The error is NOT_FOUND if no user has the id.
func (s *Service) ListRestrictions(ctx context.Context, user uuid.UUID) ([]Restriction, error) {
	open, err := s.store.Restrictions(ctx, user)
	return InForce(open, s.now()), err
}

// ListOwnRestrictions lists the restrictions that a player has set and that have not expired, oldest first.
func (s *Service) ListOwnRestrictions(ctx context.Context, player uuid.UUID) ([]Restriction, error) {
	all, err := s.ListRestrictions(ctx, player)
	return slices.DeleteFunc(all, func(r Restriction) bool { return !r.ByPlayer }), err
}
