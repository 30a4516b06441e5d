package users

import (
	"context"
	"net/netip"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// PasswordChange is the request of a user to change the password, sent in the session Session from the address From.
type PasswordChange struct {
	User, Session uuid.UUID
	Current, New  string
	From          netip.Addr
}

// ChangePassword sets a new password and ends all other sessions of the user.
//
// A wrong current password is INVALID_CREDENTIALS and counts as a failed login. Further errors: those of [CheckPassword] for
// the new password, RATE_LIMITED after too many failed logins, and ACCOUNT_DEACTIVATED if the user has just been
// deactivated.
//
// After the commit the old password is not accepted. If the session store cannot be reached after the commit, ChangePassword
// returns DEPENDENCY_UNAVAILABLE, and [Service.EndMarkedSessions] ends the sessions later.
func (s *Service) ChangePassword(ctx context.Context, c PasswordChange) error {
	ctx = password.WithQueue(ctx, password.Login, addressKey(c.From))
	u, err := s.store.User(ctx, c.User)
	if err != nil {
		return err
	}
	normal, err := normalizeNewPassword("newPassword", c.New, u.Email)
	if err != nil {
		return err
	}
	attempt, err := s.countLogin(ctx, loginFrom{email: u.Email, session: c.Session})
	if err != nil {
		return s.recordFailure(ctx, audit.Change{Target: u.ID}, c.Session.String(), err)
	}
	passwordOK, err := s.verifyPassword(ctx, u.PasswordHash, c.Current)
	switch {
	case err != nil:
		_ = attempt.refund(ctx) // an outage or a cancelled request must not count as a failure; err matters more
		return err
	case !passwordOK:
		s.observer.LoginFailed(apperr.InvalidCredentials)
		err = apperr.New(apperr.InvalidCredentials, "the current password is wrong")
		return s.recordFailure(ctx, audit.Change{Target: u.ID}, c.Session.String(), err)
	}
	if err := attempt.succeeded(ctx); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, normal)
	if err != nil {
		return err
	}
	if u, err = s.store.ChangePassword(ctx, u.ID, u.PasswordHash, hash, c.Session); err != nil {
		return err
	}
	// The sessions must end even if the caller has disconnected.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.endSessions(ctx, u)
}
