package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// EndSessionsOfDeactivated ends the sessions of a user who is deactivated, in case whoever deactivated it did not come to
// that. A user who has been activated since keeps them.
func (s *Service) EndSessionsOfDeactivated(ctx context.Context, id uuid.UUID) error {
	u, err := s.store.User(ctx, id)
	if apperr.CodeOf(err) == apperr.NotFound || err == nil && u.IsActive {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.sessions.EndAllOf(ctx, id)
	return err
}
