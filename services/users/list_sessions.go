package users

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// ListSessions lists the sessions of a user, newest first. The error is NOT_FOUND if no user has the id.
func (s *Service) ListSessions(
	ctx context.Context, user uuid.UUID, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[session.Session], error) {
	var none keyset.Page[session.Session]
	if _, err := s.store.User(ctx, user); err != nil {
		return none, err
	}
	all, err := s.sessions.OfUser(ctx, user)
	if err != nil {
		return none, err
	}
	rest := all
	if p.Before != uuid.Nil {
		rest = slices.DeleteFunc(slices.Clone(all), func(one session.Session) bool {
			return bytes.Compare(one.ID[:], p.Before[:]) >= 0
		})
	}
	return keyset.NewPage(rest, p.Size, len(all)), nil
}
