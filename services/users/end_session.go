package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// EndSession ends a session of a user. The error is NOT_FOUND if the session has ended or belongs to another user.
func (s *Service) EndSession(ctx context.Context, user, id uuid.UUID) error {
	ended, err := s.sessions.EndSession(ctx, user, id)
	if err == nil && !ended {
		err = apperr.New(apperr.NotFound, "session not found")
	}
	return err
}

// EndSessions ends all sessions of a user except one. The error is NOT_FOUND if no user has the id.
func (s *Service) EndSessions(ctx context.Context, user, except uuid.UUID) error {
	if _, err := s.store.User(ctx, user); err != nil {
		return err
	}
	_, err := s.sessions.EndAllOf(ctx, user, except)
	return err
}
