package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Walk implements notifications.Auditor. It streams the rows and uses one connection until it returns.
func (s *Store) Walk(ctx context.Context, fn func(notifications.Entry) error) error {
	rows, err := s.pool.Query(ctx, `SELECT event_id, user_id, seq, type, coalesce(content->>'id', '')
FROM notifications ORDER BY user_id, seq`)
	if err != nil {
		return failure("walk", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e notifications.Entry
		if err := rows.Scan(&e.EventID, &e.UserID, &e.Seq, &e.Type, &e.ContentID); err != nil {
			return failure("walk", err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return failure("walk", rows.Err())
}
