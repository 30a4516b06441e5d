package users

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// endEvery is how often it is looked for sessions that a deactivation has left behind.
const endEvery = time.Second

// EndSessions ends the sessions that are still to be ended: those of a process that died after its commit, or that could
// not reach the sessions. What fails for one user is left to the next call, and keeps no other from it.
func (s *Service) EndSessions(ctx context.Context) error {
	left, err := s.store.SessionsToEnd(ctx)
	if err != nil {
		return err
	}
	for _, u := range left {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = errors.Join(err, s.endSessions(ctx, u))
	}
	return err
}

// endSessions ends every session of a user and notes that this is done.
func (s *Service) endSessions(ctx context.Context, u User) error {
	if _, err := s.sessions.EndAllOf(ctx, u.ID); err != nil {
		return err
	}
	return s.store.SessionsEnded(ctx, u)
}

// KeepEndingSessions calls EndSessions again and again until ctx ends, and then returns nil. Every replica may run it. A
// failure is logged when it begins.
func (s *Service) KeepEndingSessions(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(endEvery)
	defer tick.Stop()
	for failed := false; ; {
		err := s.EndSessions(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			log.Error("the sessions of users who were deactivated cannot be ended now", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
