package users

import (
	"context"
	"net/netip"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Credentials are an e-mail and a password. Code is a code of the second factor, or empty. Device is the device token of an
// earlier login from the same device, or empty.
type Credentials struct{ Email, Password, Code, Device string }

// Client is the client of a login or a refresh.
type Client = session.Client

// Tokens holds the tokens of a session.
type Tokens struct {
	Access session.Access
	// Refresh is the refresh token. In is the way in which the client receives it.
	Refresh string
	In      RefreshTokenIn
	// Device is a new device token. Only Login returns it.
	Device string
}

// Login starts a session. It returns the session's tokens and the user. If in is empty, it is COOKIE.
//
// Errors:
//   - INVALID_CREDENTIALS if the e-mail is unknown or the password is wrong. Both cases take equally long, so the error does
//     not reveal whether the user exists.
//   - ACCOUNT_DEACTIVATED if the user is deactivated and the password is right.
//   - MFA_REQUIRED if the user has a second factor and c has no code. MFA_CODE_INVALID if the code is wrong. Both need the
//     right password.
//   - TOKEN_REVOKED if the user's sessions have been ended during the login.
//   - RATE_LIMITED after too many failed logins.
func (s *Service) Login(ctx context.Context, c Credentials, in RefreshTokenIn, from Client) (Tokens, User, error) {
	ctx = password.WithQueue(ctx, password.Login, addressKey(from.Address))
	id, err := uuid.NewV7()
	if err != nil {
		return Tokens{}, User{}, err
	}
	u, err := s.authenticate(ctx, c, from.Address, id)
	var tokens Tokens
	if err == nil {
		tokens, u, err = s.startSession(ctx, u, c, session.Session{ID: id, In: session.RefreshTokenIn(in), Client: from})
	}
	if err != nil {
		return Tokens{}, User{}, s.recordFailure(ctx, audit.Change{Target: u.ID}, addressKey(from.Address), err)
	}
	return tokens, u, nil
}

// startSession starts a session of an authenticated user, like like. It returns the tokens, and the user as after the start.
func (s *Service) startSession(
	ctx context.Context, authenticated User, c Credentials, like session.Session,
) (Tokens, User, error) {
	if like.In == "" {
		like.In = session.InCookie
	}
	now := s.now()
	like.User, like.Role, like.UserVersion = authenticated.ID, authenticated.Role, authenticated.SessionVersion()
	like.CreatedAt, like.LastUsedAt, like.Ends = now, now, now.Add(s.sessionLifetime)
	created, refresh, err := s.sessions.Create(ctx, like)
	if err != nil {
		return Tokens{}, authenticated, err
	}
	// Whatever ends the sessions of a user first increments the status version in a commit, and then ends the sessions. It may
	// have ended them before this session existed. In this case its commit is visible to the query below.
	u, err := s.store.User(ctx, authenticated.ID)
	if err == nil {
		err = s.checkUnchanged(ctx, authenticated, u, c.Password)
	}
	var access session.Access
	if err == nil {
		access, err = s.access(ctx, created, u)
	}
	if err == nil {
		err = s.recordLogin(ctx, created)
	}
	if err != nil {
		// No client has the tokens, so a failure is harmless.
		_, _ = s.sessions.EndSession(context.WithoutCancel(ctx), created.User, created.ID)
		return Tokens{}, authenticated, err
	}
	s.rememberAddress(ctx, c.Email, created.Client.Address, u.SessionVersion())
	device := s.devices.issue(accountKey(c.Email), u.SessionVersion())
	return Tokens{Access: access, Refresh: refresh, In: RefreshTokenIn(created.In), Device: device}, u, nil
}

// recordLogin records a login that succeeded. It does so before the client gets the tokens, so no session starts without an
// entry.
func (s *Service) recordLogin(ctx context.Context, started session.Session) error {
	if act := audit.From(ctx); act != nil {
		act.Actor, act.Role, act.Session = started.User, started.Role, started.ID
	}
	return s.record(ctx, audit.Change{Target: started.User}, nil)
}

// authenticate returns the user with these credentials, who is about to start a session. Errors: INVALID_CREDENTIALS,
// RATE_LIMITED, and after the right password ACCOUNT_DEACTIVATED, MFA_REQUIRED and MFA_CODE_INVALID. It also returns the
// user with an error, if the user is known.
func (s *Service) authenticate(ctx context.Context, c Credentials, from netip.Addr, session uuid.UUID) (User, error) {
	attempt, err := s.countLogin(ctx, loginFrom{email: c.Email, device: c.Device, address: from})
	if err != nil {
		return User{}, err
	}
	u, passwordOK, err := s.verify(ctx, c)
	switch {
	case err != nil:
		_ = attempt.refund(ctx) // an outage or a cancelled request must not count as a failure; err matters more
		return u, err
	case !passwordOK:
		s.observer.LoginFailed(apperr.InvalidCredentials)
		return u, wrongCredentials()
	}
	if u.IsActive {
		err = s.checkFactor(ctx, attempt, u, c.Code, session)
	}
	switch apperr.CodeOf(err) {
	case "":
	case apperr.MfaCodeInvalid:
		s.observer.LoginFailed(apperr.MfaCodeInvalid)
		return u, err
	default:
		// A login without a code must not clear earlier failures. Otherwise a client that knows the password could guess codes
		// without a limit.
		_ = attempt.refund(ctx) // err matters more
		return u, err
	}
	if err := attempt.succeeded(ctx); err != nil {
		return u, err
	}
	if !u.IsActive {
		s.observer.LoginFailed(apperr.AccountDeactivated)
		return u, deactivated()
	}
	return u, s.renewHash(ctx, u, c.Password)
}

// checkFactor uses up a code of the second factor, if the user has one. Errors: MFA_REQUIRED without a code,
// MFA_CODE_INVALID, and RATE_LIMITED.
func (s *Service) checkFactor(ctx context.Context, attempt *loginAttempt, u User, code string, session uuid.UUID) error {
	if u.Role == authn.RolePlayer {
		return nil
	}
	f, err := s.store.SecondFactor(ctx, u.ID)
	switch {
	case err != nil || !f.Active:
		return err
	case code == "":
		return codeRequired()
	}
	// The entry about the login is recorded later.
	return attempt.tryCode(ctx, func() error {
		return s.useFactor(audit.With(ctx, nil), f, code, session, s.store.UseSecondFactor)
	})
}

// verify reads the user with the e-mail and reports whether the password is right. An unknown e-mail is not an error. It
// takes as long as a wrong password, and so does a password that no user can have.
func (s *Service) verify(ctx context.Context, c Credentials) (u User, passwordOK bool, err error) {
	u, err = s.store.UserByEmail(ctx, FoldEmail(c.Email))
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return User{}, false, err
	}
	passwordOK, err = s.verifyPassword(ctx, u.PasswordHash, c.Password)
	return u, passwordOK, err
}

// verifyPassword reports whether hash is a hash of the password secret. For an unknown user, hash is empty.
func (s *Service) verifyPassword(ctx context.Context, hash, secret string) (bool, error) {
	normal, err := password.Normalize(secret)
	if err != nil {
		hash = "" // no user has this password; verifying the empty hash takes as long as any other
	}
	return s.hasher.Verify(ctx, hash, normal)
}

// checkUnchanged compares an authenticated user before and after the start of the session. The error is ACCOUNT_DEACTIVATED
// if the user has been deactivated, INVALID_CREDENTIALS if the user has another password now, MFA_REQUIRED if the user may
// have confirmed a second factor, and TOKEN_REVOKED if the sessions of the user have been ended for another reason.
func (s *Service) checkUnchanged(ctx context.Context, before, now User, secret string) error {
	if !now.IsActive {
		return deactivated()
	}
	if now.PasswordHash != before.PasswordHash { // a parallel login may have renewed the hash
		switch passwordOK, err := s.verifyPassword(ctx, now.PasswordHash, secret); {
		case err != nil:
			return err
		case !passwordOK:
			return wrongCredentials()
		}
	}
	if now.SessionVersion() == before.SessionVersion() {
		return nil
	}
	if now.Role != authn.RolePlayer {
		f, err := s.store.SecondFactor(ctx, now.ID)
		if err != nil {
			return err
		}
		if f.Active {
			return codeRequired()
		}
	}
	return sessionEnded()
}

// renewHash stores a new hash of the password if the parameters of the stored hash are outdated.
func (s *Service) renewHash(ctx context.Context, u User, secret string) error {
	if !s.hasher.Outdated(u.PasswordHash) {
		return nil
	}
	normal, err := password.Normalize(secret)
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, normal)
	if err != nil {
		return err
	}
	return s.store.SetPasswordHash(ctx, u.ID, u.PasswordHash, hash)
}

// access issues an access token of a session.
func (s *Service) access(ctx context.Context, of session.Session, u User) (session.Access, error) {
	enrolling, err := s.needsEnrolment(ctx, u)
	if err != nil {
		return session.Access{}, err
	}
	token, expires, err := s.issuer.Issue(authn.Grant{
		User: u.ID, Role: u.Role, Session: of.ID, End: of.Ends, Enrolling: enrolling,
	})
	return session.Access{Token: token, Expires: expires}, err
}

func wrongCredentials() error {
	return apperr.New(apperr.InvalidCredentials, "the e-mail or the password is wrong")
}

func codeRequired() error {
	return apperr.New(apperr.MfaRequired, "log in with a code of the second factor")
}

func deactivated() error { return apperr.New(apperr.AccountDeactivated, "the account is deactivated") }
