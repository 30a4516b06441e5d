package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/services/users"
)

// sessionsToEndLimit is the maximum number of users that SessionsToEnd returns.
const sessionsToEndLimit = 100

// SessionsToEnd returns at most sessionsToEndLimit users whose sessions must be ended. A partial index contains only
// these users.
func (s *Store) SessionsToEnd(ctx context.Context) ([]users.User, error) {
	rows, err := s.ent.User.Query().Where(user.SessionsToEnd(true)).Limit(sessionsToEndLimit).All(ctx)
	if err != nil {
		return nil, toAppError(err)
	}
	found := make([]users.User, 0, len(rows))
	for _, row := range rows {
		found = append(found, userFromRow(row))
	}
	return found, nil
}

// ClearSessionsToEnd removes the mark of u, whose sessions have been ended. It keeps the mark if the status version has
// changed since u was read. In that case the user may have been activated, logged in and been deactivated again, and the
// new sessions must be ended too.
func (s *Store) ClearSessionsToEnd(ctx context.Context, u users.User) error {
	if !u.SessionsToEnd {
		return nil
	}
	_, err := s.ent.User.Update().Where(user.ID(u.ID), user.StatusVersion(u.StatusVersion)).
		SetSessionsToEnd(false).ClearKeptSession().
		Save(ctx)
	return toAppError(err)
}
