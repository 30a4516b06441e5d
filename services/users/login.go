package users

import (
	"context"
	"net/netip"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Credentials are an e-mail and a password. Device is the device token of an earlier login from the same device, or empty.
type Credentials struct{ Email, Password, Device string }

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
//   - RATE_LIMITED after too many failed logins.
func (s *Service) Login(ctx context.Context, c Credentials, in RefreshTokenIn, from Client) (Tokens, User, error) {
	if in == "" {
		in = RefreshTokenInCookie
	}
	ctx = password.WithQueue(ctx, password.Login, addressKey(from.Address))
	authenticated, err := s.authenticate(ctx, c, from.Address)
	if err != nil {
		return Tokens{}, User{}, err
	}
	now := s.now()
	created, refresh, err := s.sessions.Create(ctx, session.Session{
		User: authenticated.ID, Role: authenticated.Role, In: session.RefreshTokenIn(in), Client: from,
		CreatedAt: now, LastUsedAt: now, Ends: now.Add(s.sessionLifetime),
	})
	if err != nil {
		return Tokens{}, User{}, err
	}
	// A deactivation or a change of the password commits first and ends the sessions afterwards. It may have ended them before
	// this session existed. In this case its commit is visible to the following query.
	u, err := s.store.User(ctx, authenticated.ID)
	if err == nil {
		err = s.checkUnchanged(ctx, authenticated, u, c.Password)
	}
	if err != nil {
		// No client has the tokens, so a failure is harmless.
		_, _ = s.sessions.EndSession(context.WithoutCancel(ctx), created.User, created.ID)
		return Tokens{}, User{}, err
	}
	access, err := s.access(created, u)
	if err != nil {
		return Tokens{}, User{}, err
	}
	s.rememberAddress(ctx, c.Email, from.Address)
	device := s.devices.issue(accountKey(c.Email))
	return Tokens{Access: access, Refresh: refresh, In: in, Device: device}, u, nil
}

// authenticate returns the user with these credentials. Errors: INVALID_CREDENTIALS, ACCOUNT_DEACTIVATED after the right
// password, and RATE_LIMITED.
func (s *Service) authenticate(ctx context.Context, c Credentials, from netip.Addr) (User, error) {
	attempt, err := s.countLogin(ctx, loginFrom{email: c.Email, device: c.Device, address: from})
	if err != nil {
		return User{}, err
	}
	u, passwordOK, err := s.verify(ctx, c)
	switch {
	case err != nil:
		_ = attempt.refund(ctx) // an outage or a cancelled request must not count as a failure; err matters more
		return User{}, err
	case !passwordOK:
		s.observer.LoginFailed(apperr.InvalidCredentials)
		return User{}, wrongCredentials()
	}
	if err := attempt.succeeded(ctx); err != nil {
		return User{}, err
	}
	if !u.IsActive {
		s.observer.LoginFailed(apperr.AccountDeactivated)
		return User{}, deactivated()
	}
	return u, s.renewHash(ctx, u, c.Password)
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
// if the user has been deactivated, and INVALID_CREDENTIALS if the user has another password now.
func (s *Service) checkUnchanged(ctx context.Context, before, now User, secret string) error {
	if !now.IsActive {
		return deactivated()
	}
	if now.PasswordHash == before.PasswordHash {
		return nil
	}
	passwordOK, err := s.verifyPassword(ctx, now.PasswordHash, secret) // a parallel login may have renewed the hash
	if err == nil && !passwordOK {
		err = wrongCredentials()
	}
	return err
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
func (s *Service) access(of session.Session, u User) (session.Access, error) {
	token, expires, err := s.issuer.Issue(u.ID, u.Role, of.ID, of.Ends)
	return session.Access{Token: token, Expires: expires}, err
}

func wrongCredentials() error {
	return apperr.New(apperr.InvalidCredentials, "the e-mail or the password is wrong")
}

func deactivated() error { return apperr.New(apperr.AccountDeactivated, "the account is deactivated") }
