package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// addAttempts limits the attempts to get a player's next sequence number.
const addAttempts = 20

const findByEventSQL = `SELECT ` + notificationColumns + ` FROM notifications WHERE event_id = $1`

// Add implements notifications.Store.
//
// The sequence number is the last one plus one. If several processes try the same number, the unique index on (user_id,
// seq) accepts one row, and the other processes retry. This takes one round trip and no lock. A lock per player would
// need a transaction of three round trips, although conflicts are rare: the bus delivers a player's events to one
// consumer at a time, except while partitions are reassigned.
func (s *Store) Add(ctx context.Context, n notifications.Notification) (notifications.Notification, bool, error) {
	rest, values := columns.Without(notificationColumns, notificationValues(n), "seq")
	sql := `INSERT INTO notifications (seq, ` + rest + `)
SELECT coalesce(max(seq), 0) + 1, ` + columns.Placeholders(rest, 2) + ` FROM notifications WHERE user_id = $1
ON CONFLICT DO NOTHING
RETURNING seq`
	args := append([]any{n.UserID}, values...)
	for range addAttempts {
		err := s.pool.QueryRow(ctx, sql, args...).Scan(&n.Seq)
		switch {
		case err == nil:
			return n, true, nil
		case !noRows(err):
			return notifications.Notification{}, false, failure("insert", err)
		}
		// Another call stored this event or used this sequence number.
		rows, err := s.pool.Query(ctx, findByEventSQL, n.EventID)
		if err != nil {
			return notifications.Notification{}, false, failure("find by event", err)
		}
		stored, err := pgx.CollectExactlyOneRow(rows, scanNotification)
		if !noRows(err) {
			return stored, false, failure("find by event", err)
		}
	}
	return notifications.Notification{}, false,
		apperr.New(apperr.DependencyUnavailable, "too many notifications of one player at once")
}
