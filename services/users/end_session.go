package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
)

// EndSession ends a session of a user. The error is NOT_FOUND if the session has ended or belongs to another user.
func (s *Service) EndSession(ctx context.Context, user, id uuid.UUID) error {
	change, found, err := s.endOf(ctx, user, func(session uuid.UUID) bool { return session == id })
	if err != nil {
		return err
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	ended := false
	if found {
		// The session is not in the database, so it cannot end in the transaction of the entry. The entry is stored first: no
		// session ends without an entry. If the process dies in between, a repeated request ends it.
		if err := s.record(ctx, change, nil); err != nil {
			return err
		}
		ended, err = s.sessions.EndSession(ctx, user, id)
	}
	if err == nil && !ended {
		err = apperr.New(apperr.NotFound, "session not found")
	}
	return err
}

// EndSessions ends all sessions of a user except one. The error is NOT_FOUND if no user has the id. After the commit of the
// store, no other session can be refreshed. If the session store cannot be reached then, EndSessions returns
// DEPENDENCY_UNAVAILABLE, and [Service.EndMarkedSessions] ends the sessions later.
//
// If users end their own sessions and have none, nothing changes. Otherwise they could fill the audit trail, and increment
// their status version, without a login for each time.
func (s *Service) EndSessions(ctx context.Context, user, except uuid.UUID) error {
	change, found, err := s.endOf(ctx, user, func(session uuid.UUID) bool { return session != except })
	if err != nil {
		return err
	}
	if act := audit.From(ctx); !found && act != nil && act.Actor == user {
		return nil
	}
	u, err := s.store.MarkSessionsToEnd(ctx, user, except, change)
	if err != nil {
		return err
	}
	// The sessions must end even if the caller has disconnected.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.endSessions(ctx, u)
}

// endOf returns the entry of the audit trail for the end of the sessions of a user that match. It returns false if no
// session matches.
func (s *Service) endOf(
	ctx context.Context, user uuid.UUID, match func(uuid.UUID) bool,
) (audit.Change, bool, error) {
	all, err := s.sessions.OfUser(ctx, user)
	if err != nil {
		return audit.Change{}, false, err
	}
	ids := []any{}
	for _, one := range all {
		if match(one.ID) {
			ids = append(ids, one.ID.String())
		}
	}
	return audit.Change{Target: user, Before: map[string]any{"sessions": ids}}, len(ids) > 0, nil
}
