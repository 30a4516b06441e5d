package users

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// endInterval is the interval of KeepEndingSessions.
const endInterval = time.Second

// EndMarkedSessions ends the sessions that a deactivation or a new password marked but did not end. This happens if the
// process dies after the commit or the session store cannot be reached. EndMarkedSessions handles a limited number of users
// per call. After an error for one user it continues with the next user, and it returns all errors joined.
func (s *Service) EndMarkedSessions(ctx context.Context) error {
	marked, err := s.store.SessionsToEnd(ctx)
	if err != nil {
		return err
	}
	for _, u := range marked {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = errors.Join(err, s.endSessions(ctx, u))
	}
	return err
}

// endSessions ends the sessions of a user that are marked, which are all sessions except u.KeptSession, and removes the
// mark.
func (s *Service) endSessions(ctx context.Context, u User) error {
	if _, err := s.sessions.EndAllOf(ctx, u.ID, u.KeptSession); err != nil {
		return err
	}
	return s.store.ClearSessionsToEnd(ctx, u)
}

// KeepEndingSessions calls EndMarkedSessions every second until ctx ends, and then returns nil. All replicas may run it
// concurrently. It logs only the first of consecutive failures.
func (s *Service) KeepEndingSessions(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(endInterval)
	defer tick.Stop()
	for failed := false; ; {
		err := s.EndMarkedSessions(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			log.Error("pending session revocations failed, retrying", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
