package promotions

import (
	"context"
	"time"
)

// reminderTime is how long before the expiry of an assignment the player is reminded.
const reminderTime = 24 * time.Hour

// deadlineBatch is the maximum number of deadlines that one transaction handles.
const deadlineBatch = 500

// HandleDeadlines reminds the players of assignments that expire within 24 hours, and records the expiry of assignments.
// Every replica calls it every few seconds. Each deadline is handled once.
func (s *Service) HandleDeadlines(ctx context.Context) error {
	for {
		n, err := s.store.HandleDeadlines(ctx, s.now(), deadlineBatch)
		if err != nil || n < deadlineBatch {
			return err
		}
	}
}

// RemindAt returns when the player is reminded that the assignment expires.
func (a Assignment) RemindAt() time.Time {
	if at := a.ExpiresAt.Add(-reminderTime); at.After(a.CreatedAt) {
		return at
	}
	return a.CreatedAt
}
