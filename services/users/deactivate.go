package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// endTimeout bounds how long the sessions of somebody who is deactivated may take to end.
const endTimeout = 10 * time.Second

// Deactivate switches a user off and ends all its sessions, at once on every replica. Doing so again is harmless, and
// ends what sessions there are. FORBIDDEN for oneself, so that nobody locks out the last admin by mistake.
//
// Once the database has committed nobody logs in or refreshes any more. Where the sessions cannot be reached after it, the
// error says so, and [Service.EndSessions] ends them as soon as they can be.
func (s *Service) Deactivate(ctx context.Context, caller, id uuid.UUID) (User, error) {
	if caller == id {
		return User{}, apperr.New(apperr.Forbidden, "one cannot deactivate oneself")
	}
	u, err := s.store.SetActive(ctx, id, false)
	if err != nil {
		return User{}, err
	}
	// Whoever asked may be gone by now; what was begun is ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := s.endSessions(ctx, u); err != nil {
		return User{}, err
	}
	return u, nil
}
