package verify

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// notifications checks that each assignment has exactly one notification, and that each player's sequence of notifications
// has no gap and no duplicate. It counts notifications without an assignment but does not report them.
func notifications(ctx context.Context, s Sources, r *report) (string, error) {
	var assignments, stored, others int
	err := snapshot(ctx, s.Promotions, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT id, user_id, promotion_id, created_at FROM player_promotions ORDER BY user_id")
		if err != nil {
			return err
		}
		defer rows.Close()
		cursor := &assignmentCursor{rows: rows}
		cursor.next()
		var current player
		finish := func() {
			assignments += current.compare(cursor, r)
			others += current.others()
		}
		err = s.Notifications(ctx, func(n Notification) error {
			if n.UserID != current.id {
				finish()
				current = player{id: n.UserID}
			}
			stored++
			current.add(n, r)
			return nil
		})
		if err != nil {
			return err
		}
		finish()
		current = player{id: uuid.Max} // the players after the last notification
		finish()
		return rows.Err()
	})
	return fmt.Sprintf("%s, %s, %d of them without an assignment", cli.Count(assignments, "assignment", "assignments"),
		cli.Count(stored, "stored notification", "stored notifications"), others), err
}

// player is a player and the notifications that were read so far.
type player struct {
	id           uuid.UUID
	lastSequence int64
	count        map[string]int // the number of notifications of each promotion
}

func (p *player) add(n Notification, r *report) {
	if p.lastSequence++; n.Seq != p.lastSequence {
		r.violationf("user %s: a notification has sequence number %d, want %d", p.id, n.Seq, p.lastSequence)
		p.lastSequence = n.Seq
	}
	if n.Type != "promotion" {
		return
	}
	if p.count == nil {
		p.count = map[string]int{}
	}
	p.count[n.ContentID]++
}

// compare checks the assignments of p and of the players before p. The players before p have no notifications. It returns
// the number of assignments.
func (p *player) compare(a *assignmentCursor, r *report) int {
	checked := 0
	for ; a.ok && bytes.Compare(a.user[:], p.id[:]) <= 0; a.next() {
		checked++
		count := 0
		if a.user == p.id {
			count = p.count[a.promotion.String()]
			delete(p.count, a.promotion.String())
		}
		if count > 1 || count == 0 && a.at.Before(r.cutoff) {
			r.violationf("user %s: assignment %s of promotion %s has %d notifications, want 1", a.user, a.id, a.promotion, count)
		}
		if count == 0 && a.at.Before(r.cutoff) {
			r.lost.Assignments = append(r.lost.Assignments, a.id)
		}
	}
	return checked
}

// others returns the number of notifications that compare found no assignment for.
func (p *player) others() int {
	n := 0
	for _, count := range p.count {
		n += count
	}
	return n
}

// assignmentCursor is the current row of the assignments. At the end, and after an error, ok is false.
type assignmentCursor struct {
	rows                pgx.Rows
	id, user, promotion uuid.UUID
	at                  time.Time
	ok                  bool
}

func (a *assignmentCursor) next() {
	a.ok = a.rows.Next() && a.rows.Scan(&a.id, &a.user, &a.promotion, &a.at) == nil
}
