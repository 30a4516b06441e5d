package users

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// endInterval is the interval of KeepEndingSessions.
const endInterval = time.Second

// EndSessions ends the sessions that a deactivation or a password reset marked and did not end, because the process died
// after the commit or the sessions could not be reached. An error for one user does not keep the sessions of others.
func (s *Service) EndSessions(ctx context.Context) error {
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

// endSessions ends every session of a user and removes the mark.
func (s *Service) endSessions(ctx context.Context, u User) error {
	if _, err := s.sessions.EndAllOf(ctx, u.ID); err != nil {
		return err
	}
	return s.store.SessionsEnded(ctx, u)
}

// KeepEndingSessions calls EndSessions every second until ctx ends, and then returns nil. Every replica may run it. It logs
// the first of consecutive failures.
func (s *Service) KeepEndingSessions(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(endInterval)
	defer tick.Stop()
	for failed := false; ; {
		err := s.EndSessions(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			log.Error("cannot end the sessions of deactivated users", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
