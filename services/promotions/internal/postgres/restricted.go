package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// The conditions that the restrictions of a player refuse promotions or mute their notifications. All statements use them.
// They are parts of a statement: player is the name of the table players in it, and at is an expression of the type
// timestamptz, such as a placeholder. They depend on the row of the player alone. So a statement that locks the row decides
// by the latest restrictions, even if it has waited for the lock.

// refusedSQL returns the condition that a restriction refuses promotions to a player at a time.
func refusedSQL(player, at string) string {
	return player + ".promotions_refused_until > " + microsecondsSQL(at)
}

// mutedSQL returns the condition that a restriction mutes the notifications of promotions to a player at a time.
func mutedSQL(player, at string) string {
	return player + ".promotions_muted_until > " + microsecondsSQL(at)
}

// microsecondsSQL returns a time in microseconds since 1970.
func microsecondsSQL(at string) string {
	return "(extract(epoch FROM " + at + "::timestamptz) * 1000000)::bigint"
}

// lockedPlayer is what a player may get at a time. It does not change until the commit.
type lockedPlayer struct {
	id                        uuid.UUID
	active, restricted, muted bool
}

// lockPlayers locks the known players among ids, in the order of their ids, and returns them. A restriction whose event is
// consumed before is taken into account; the consumer of a later event waits for the commit.
func lockPlayers(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, at time.Time) ([]lockedPlayer, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.is_active, `+refusedSQL("p", "$2")+`, `+mutedSQL("p", "$2")+`
		FROM players p WHERE p.id = ANY ($1) ORDER BY p.id FOR SHARE`, ids, at)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p lockedPlayer, err error) {
		return p, row.Scan(&p.id, &p.active, &p.restricted, &p.muted)
	})
}

// notMuted locks the players of assignments, and returns the assignments whose players are notified at a time.
func notMuted(ctx context.Context, tx pgx.Tx, assignments []domain.Assignment, at time.Time) ([]domain.Assignment, error) {
	ids := make([]uuid.UUID, len(assignments))
	for i, a := range assignments {
		ids[i] = a.UserID
	}
	players, err := lockPlayers(ctx, tx, ids, at)
	if err != nil {
		return nil, err
	}
	muted := map[uuid.UUID]bool{}
	for _, p := range players {
		muted[p.id] = p.muted
	}
	var left []domain.Assignment
	for _, a := range assignments {
		if !muted[a.UserID] {
			left = append(left, a)
		}
	}
	return left, nil
}
