package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// notifications checks that each assignment has exactly one notification each time that it was assigned to a player who was
// not muted, and that each
// player's sequence of notifications has no gap and no duplicate. It counts notifications without an assignment, and reports
// them only if users does not have their player.
func notifications(ctx context.Context, s Sources, r *report) (string, error) {
	var assignments, stored, others int
	suspects := &suspects{users: s.Users, report: r}
	err := snapshot(ctx, s.Promotions, func(tx pgx.Tx) error {
		times := "1"
		if counted, err := countsAssignments(ctx, tx); err != nil {
			return err
		} else if counted {
			times = "times_assigned"
		}
		if muted, err := hasColumn(ctx, tx, "player_promotions", "times_muted"); err != nil {
			return err
		} else if muted {
			times = "times_assigned - times_muted"
		}
		rows, err := tx.Query(ctx,
			"SELECT id, user_id, promotion_id, created_at, "+times+" FROM player_promotions ORDER BY user_id")
		if err != nil {
			return err
		}
		defer rows.Close()
		cursor := &assignmentCursor{rows: rows}
		cursor.next()
		var current player
		finish := func() error {
			assignments += current.compare(cursor, r)
			n := current.others()
			others += n
			if n == 0 {
				return nil
			}
			return suspects.add(ctx, current.id)
		}
		err = s.Notifications(ctx, func(n Notification) error {
			if n.UserID != current.id {
				if err := finish(); err != nil {
					return err
				}
				current = player{id: n.UserID}
			}
			stored++
			current.add(n, r)
			return nil
		})
		if err != nil {
			return err
		}
		if err := finish(); err != nil {
			return err
		}
		current = player{id: uuid.Max} // the players after the last notification
		if err := finish(); err != nil {
			return err
		}
		return errors.Join(rows.Err(), suspects.check(ctx))
	})
	return fmt.Sprintf("%s, %s, %d of them without an assignment", cli.Count(assignments, "assignment", "assignments"),
		cli.Count(stored, "stored notification", "stored notifications"), others), err
}

// suspects are users who have notifications without an assignment. Their ids are looked up after the notifications were
// read, so that users who register meanwhile are found.
type suspects struct {
	users  *pgxpool.Pool
	report *report
	ids    []uuid.UUID
}

// suspectsAtOnce is the number of ids in one query.
const suspectsAtOnce = 1000

func (s *suspects) add(ctx context.Context, id uuid.UUID) error {
	if s.ids = append(s.ids, id); len(s.ids) < suspectsAtOnce {
		return nil
	}
	return s.check(ctx)
}

// check reports the ids that users does not have.
func (s *suspects) check(ctx context.Context) error {
	rows, err := s.users.Query(ctx,
		"SELECT id FROM unnest($1::uuid[]) id WHERE NOT EXISTS (SELECT FROM users WHERE users.id = id.id) ORDER BY id", s.ids)
	if err != nil {
		return err
	}
	ghosts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, id := range ghosts {
		s.report.violationf("there are notifications of user %s, whom users does not have", id)
	}
	s.ids = s.ids[:0]
	return err
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
		if count > a.times || count < a.times && a.at.Before(r.cutoff) {
			r.violationf("user %s: assignment %s of promotion %s has %d notifications, want %d",
				a.user, a.id, a.promotion, count, a.times)
		}
		if count == 0 && a.times > 0 && a.at.Before(r.cutoff) {
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
	times               int // how many times it was assigned with a notification
	ok                  bool
}

func (a *assignmentCursor) next() {
	a.ok = a.rows.Next() && a.rows.Scan(&a.id, &a.user, &a.promotion, &a.at, &a.times) == nil
}
