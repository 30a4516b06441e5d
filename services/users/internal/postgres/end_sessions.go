package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/services/users"
)

// sessionsToEndLimit is the maximum number of users that SessionsToEnd returns.
const sessionsToEndLimit = 100

// SessionsToEnd returns some of the users whose sessions are to be ended. A partial index holds only these users.
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

// SessionsEnded removes the mark that the sessions of u are to be ended. It keeps the mark if the status version has changed
// since u was read: the user may have started sessions in between that a later deactivation must end.
func (s *Store) SessionsEnded(ctx context.Context, u users.User) error {
	if !u.SessionsToEnd {
		return nil
	}
	_, err := s.ent.User.Update().Where(user.ID(u.ID), user.StatusVersion(u.StatusVersion)).SetSessionsToEnd(false).Save(ctx)
	return toAppError(err)
}
