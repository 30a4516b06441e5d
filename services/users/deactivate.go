package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// endTimeout is the timeout of ending the sessions of a deactivated user.
const endTimeout = 10 * time.Second

// Deactivate deactivates a user and ends its sessions on every replica. It is idempotent. A repeated call ends the remaining
// sessions. Deactivate returns NOT_FOUND if no user has the id, FORBIDDEN for the caller's own id, and TOKEN_REVOKED if the
// caller has been deactivated in the meantime. So admins cannot lock out all admins.
//
// After the commit the user can neither log in nor refresh. If the session store cannot be reached after the commit,
// Deactivate returns DEPENDENCY_UNAVAILABLE, and [Service.EndMarkedSessions] ends the sessions later.
func (s *Service) Deactivate(ctx context.Context, caller, id uuid.UUID) (User, error) {
	if caller == id {
		return User{}, apperr.New(apperr.Forbidden, "admins cannot deactivate themselves")
	}
	u, err := s.store.SetActive(ctx, caller, id, false)
	if err != nil {
		return User{}, err
	}
	// The sessions must end even if the caller has disconnected.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := s.endSessions(ctx, u); err != nil {
		return User{}, err
	}
	return u, nil
}
