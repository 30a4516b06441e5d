package verify

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// players checks that promotions knows each player of users. It also collects the players whose last activation or
// deactivation has not reached promotions. It does not report them as violations: the event may still be on its way. The age
// of the change is unknown, because no database stores its time.
func players(ctx context.Context, s Sources, r *report) (string, error) {
	var registered int
	err := snapshot(ctx, s.Promotions, func(promotions pgx.Tx) error {
		rows, err := promotions.Query(ctx, "SELECT id, is_active, status_version, created_at FROM players ORDER BY id")
		if err != nil {
			return err
		}
		known := &statusCursor{rows: rows}
		defer known.rows.Close()
		return snapshot(ctx, s.Users, func(users pgx.Tx) error {
			rows, err := users.Query(ctx,
				"SELECT id, is_active, status_version, created_at FROM users WHERE role = 'PLAYER' ORDER BY id")
			if err != nil {
				return err
			}
			u := &statusCursor{rows: rows}
			defer u.rows.Close()
			known.next()
			for u.next(); u.ok; u.next() {
				registered++
				for known.ok && bytes.Compare(known.id[:], u.id[:]) < 0 {
					known.next()
				}
				switch {
				case (!known.ok || known.id != u.id) && u.createdAt.Before(r.cutoff):
					r.violationf("user %s is registered, but promotions does not know the player", u.id)
					r.lost.Registrations = append(r.lost.Registrations, u.id)
				case known.ok && known.id == u.id && u.active != known.active && u.version > known.version:
					r.lost.Statuses = append(r.lost.Statuses, u.id)
				}
			}
			if err := known.rows.Err(); err != nil {
				return err
			}
			return u.rows.Err()
		})
	})
	return cli.Count(registered, "player", "players"), err
}

// statusCursor is the current row of players in the order of their ids. At the end, and after an error, ok is false.
type statusCursor struct {
	rows      pgx.Rows
	id        uuid.UUID
	active    bool
	version   int64
	createdAt time.Time
	ok        bool
}

func (c *statusCursor) next() {
	c.ok = c.rows.Next() && c.rows.Scan(&c.id, &c.active, &c.version, &c.createdAt) == nil
}
