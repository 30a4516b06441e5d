package postgres

import (
	"context"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// sessionsToEndLimit is the maximum number of users that SessionsToEnd returns.
const sessionsToEndLimit = 100

// MarkSessionsToEnd marks the sessions of a user for ending, except keep, and returns the user. It increments the status
// version, so that no other session can be refreshed from then on. If the sessions are already marked, keep ends too, unless
// that mark keeps it. The error is NOT_FOUND if no user has the id.
func (s *Store) MarkSessionsToEnd(ctx context.Context, id, keep uuid.UUID, change audit.Change) (users.User, error) {
	var u users.User
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		row, err := tx.User.Query().Where(user.ID(id)).ForUpdate().Only(ctx)
		if err != nil {
			return err
		}
		u = userFromRow(row)
		if err := markSessions(ctx, tx.User.UpdateOneID(id), &u, keep); err != nil {
			return err
		}
		return record(ctx, postgres.FromSQL(tx), change, nil)
	})
	if err != nil {
		return users.User{}, toAppError(err)
	}
	return u, nil
}

// markSessions carries out an update of u that also marks the sessions of u for ending, except keep.
func markSessions(ctx context.Context, update *ent.UserUpdateOne, u *users.User, keep uuid.UUID) error {
	if u.SessionsToEnd && u.KeptSession != keep {
		keep = uuid.Nil
	}
	if keep == uuid.Nil {
		update.ClearKeptSession()
	} else {
		update.SetKeptSession(keep)
	}
	u.SessionsToEnd, u.KeptSession, u.StatusVersion = true, keep, u.StatusVersion+1
	return update.SetSessionsToEnd(true).AddStatusVersion(1).Exec(ctx)
}

// SessionsToEnd returns at most sessionsToEndLimit users whose sessions must be ended. A partial index contains only
// these users.
func (s *Store) SessionsToEnd(ctx context.Context) ([]users.User, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+userColumns+" FROM users WHERE sessions_to_end LIMIT $1", sessionsToEndLimit)
	if err != nil {
		return nil, toAppError(err)
	}
	found, err := pgx.CollectRows(rows, scanUser)
	return found, toAppError(err)
}

// ClearSessionsToEnd removes the mark of u, whose sessions have been ended. It keeps the mark if the session version has
// changed since u was read. In that case the user may have been activated, logged in and been deactivated again, and the
// new sessions must be ended too.
func (s *Store) ClearSessionsToEnd(ctx context.Context, u users.User) error {
	if !u.SessionsToEnd {
		return nil
	}
	sameVersion := func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString("status_version - restriction_changes = ").Arg(u.SessionVersion())
		}))
	}
	_, err := s.ent.User.Update().Where(user.ID(u.ID), sameVersion).
		SetSessionsToEnd(false).
		Save(ctx)
	return toAppError(err)
}
