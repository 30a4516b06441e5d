package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
)

// EndSession ends a session of a user. The error is NOT_FOUND if the session has ended or belongs to another user.
func (s *Service) EndSession(ctx context.Context, user, id uuid.UUID) error {
	found, err := s.recordEnd(ctx, user, func(session uuid.UUID) bool { return session == id })
	if err != nil {
		return err
	}
	ended := false
	if found {
		ended, err = s.sessions.EndSession(ctx, user, id)
	}
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
	if _, err := s.recordEnd(ctx, user, func(session uuid.UUID) bool { return session != except }); err != nil {
		return err
	}
	_, err := s.sessions.EndAllOf(ctx, user, except)
	return err
}

// recordEnd records that the sessions of a user that match are about to end. It returns false if no session matches. The
// sessions are not in the database, so they cannot end in the transaction of the entry. The entry is stored first: no
// session ends without an entry. If the process dies in between, a repeated request ends them.
func (s *Service) recordEnd(ctx context.Context, user uuid.UUID, match func(uuid.UUID) bool) (bool, error) {
	all, err := s.sessions.OfUser(ctx, user)
	if err != nil {
		return false, err
	}
	var ids []any
	for _, one := range all {
		if match(one.ID) {
			ids = append(ids, one.ID.String())
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	return true, s.record(ctx, audit.Change{Target: user, Before: map[string]any{"sessions": ids}}, nil)
}
