package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// notifications sees that every assignment was announced to its player exactly once, and that each player's sequence has
// neither gap nor duplicate. A notification that no assignment stands behind was asked for by somebody else, and is only
// counted.
func notifications(ctx context.Context, s Sources, r *report) (string, error) {
	var assignments, stored, others int
	err := snapshot(ctx, s.Promotions, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT user_id, promotion_id, created_at FROM player_promotions ORDER BY user_id")
		if err != nil {
			return err
		}
		defer rows.Close()
		left := &assigned{rows: rows}
		left.next()
		var p player
		settle := func() {
			assignments += p.settle(left, r)
			others += p.others()
		}
		err = s.Notifications(ctx, func(n Notification) error {
			if n.UserID != p.id {
				settle()
				p = player{id: n.UserID}
			}
			stored++
			p.add(n, r)
			return nil
		})
		if err != nil {
			return err
		}
		settle()
		p = player{id: uuid.Max}
		settle()
		return rows.Err()
	})
	return fmt.Sprintf("%s, %s, %d of them for other reasons", cli.Count(assignments, "assignment", "assignments"),
		cli.Count(stored, "stored notification", "stored notifications"), others), err
}

// player is a player while its notifications pass by.
type player struct {
	id    uuid.UUID
	seq   int64
	about map[string]int // how often each promotion was announced
}

func (p *player) add(n Notification, r *report) {
	if p.seq++; n.Seq != p.seq {
		r.violationf("user %s: notification %d stands where notification %d belongs", p.id, n.Seq, p.seq)
		p.seq = n.Seq
	}
	if n.Type != "promotion" {
		return
	}
	if p.about == nil {
		p.about = map[string]int{}
	}
	p.about[n.Content]++
}

// settle compares the assignments up to and of the player with what was announced, and returns their number.
func (p *player) settle(left *assigned, r *report) int {
	count := 0
	for ; left.ok && left.user.String() <= p.id.String(); left.next() {
		count++
		announced := 0
		if left.user == p.id {
			announced = p.about[left.promotion.String()]
			delete(p.about, left.promotion.String())
		}
		if announced > 1 || announced == 0 && left.at.Before(r.before) {
			r.violationf("user %s: promotion %s was announced %d times", left.user, left.promotion, announced)
		}
	}
	return count
}

func (p *player) others() int {
	n := 0
	for _, times := range p.about {
		n += times
	}
	return n
}

// assigned stands on one assignment, as long as ok.
type assigned struct {
	rows            pgx.Rows
	user, promotion uuid.UUID
	at              time.Time
	ok              bool
}

func (a *assigned) next() {
	a.ok = a.rows.Next() && a.rows.Scan(&a.user, &a.promotion, &a.at) == nil
}
