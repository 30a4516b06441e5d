package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/services/users"
)

// endAtOnce bounds how many users are read whose sessions are to be ended.
const endAtOnce = 100

// SessionsToEnd reads along an index that holds these users only.
func (s *Store) SessionsToEnd(ctx context.Context) ([]users.User, error) {
	rows, err := s.ent.User.Query().Where(user.SessionsToEnd(true)).Limit(endAtOnce).All(ctx)
	if err != nil {
		return nil, fail(err)
	}
	all := make([]users.User, 0, len(rows))
	for _, row := range rows {
		all = append(all, userFromRow(row))
	}
	return all, nil
}

// SessionsEnded compares the number of switches: sessions that a later deactivation is to end may have been begun since.
func (s *Store) SessionsEnded(ctx context.Context, u users.User) error {
	if !u.SessionsToEnd {
		return nil
	}
	_, err := s.ent.User.Update().Where(user.ID(u.ID), user.StatusVersion(u.StatusVersion)).SetSessionsToEnd(false).Save(ctx)
	return fail(err)
}
