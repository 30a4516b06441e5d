package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// addAttempts bounds the race for a player's next number.
const addAttempts = 20

const ofEventSQL = `SELECT ` + notificationColumns + ` FROM notifications WHERE event_id = $1`

// Add implements notifications.Store.
//
// The number is the last one plus one, and the unique index on (user_id, seq) refuses it to all but one. That costs one
// round trip and no lock; a lock per player would cost a transaction of three for a race that hardly exists, since the
// bus hands a player's events to one consumer at a time: there is a rival only while partitions move.
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
		case !none(err):
			return notifications.Notification{}, false, failure("insert", err)
		}
		// Either the event is known, or another took the number.
		rows, err := s.pool.Query(ctx, ofEventSQL, n.EventID)
		if err != nil {
			return notifications.Notification{}, false, failure("find by event", err)
		}
		stored, err := pgx.CollectExactlyOneRow(rows, scanNotification)
		if !none(err) {
			return stored, false, failure("find by event", err)
		}
	}
	return notifications.Notification{}, false,
		apperr.New(apperr.DependencyUnavailable, "too many notifications of one player at once")
}
