package verify

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// players checks that promotions and users know the same players, and that promotions has no status that users has not had.
// It reads promotions first, so promotions is not ahead because of events that arrive meanwhile. It also collects the
// players whose last activation or deactivation has not reached promotions. It does not report them as violations: the event
// may be on its way. The age of the change is unknown, because no database stores its time.
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
					ghost(r, known)
				}
				compareStatus(r, u, known)
			}
			if err := u.rows.Err(); err != nil {
				return err
			}
			for known.ok {
				ghost(r, known)
			}
			return known.rows.Err()
		})
	})
	return cli.Count(registered, "player", "players"), err
}

// ghost reports the current player of promotions, whom users does not have, and moves to the next one.
func ghost(r *report, known *statusCursor) {
	r.violationf("promotions has the player %s, whom users does not have", known.id)
	known.next()
}

// compareStatus compares a player of users with the current player of promotions. If it is the same player, it moves
// promotions to the next one.
func compareStatus(r *report, u, known *statusCursor) {
	if !known.ok || known.id != u.id {
		if u.createdAt.Before(r.cutoff) {
			r.violationf("user %s is registered, but promotions does not know the player", u.id)
			r.lost.Registrations = append(r.lost.Registrations, u.id)
		}
		return
	}
	switch {
	case known.version > u.version || known.version == u.version && known.active != u.active:
		r.violationf("promotions has the status version %d of player %s (active: %t), but users has version %d (active: %t)",
			known.version, u.id, known.active, u.version, u.active)
	case u.active != known.active:
		r.lost.Statuses = append(r.lost.Statuses, u.id)
	}
	known.next()
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
