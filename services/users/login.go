package users

import (
	"context"
	"net/netip"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Credentials are what somebody logs in with.
type Credentials struct{ Email, Password string }

// Tokens are what a client goes on with.
type Tokens struct {
	Access session.Access
	// Refresh is the refresh token, and In where its client takes it.
	Refresh string
	In      RefreshTokenIn
}

// Login starts a session; in is COOKIE where empty.
//
// INVALID_CREDENTIALS says neither whether there is such a user nor, by the time it takes, whether the password was
// looked at. Only who knows the password learns of ACCOUNT_DEACTIVATED. RATE_LIMITED after too many failures.
func (s *Service) Login(ctx context.Context, c Credentials, in RefreshTokenIn, from netip.Addr) (Tokens, User, error) {
	if in == "" {
		in = RefreshTokenInCookie
	}
	u, err := s.authenticate(ctx, c, from)
	if err != nil {
		return Tokens{}, User{}, err
	}
	begun, refresh, err := s.sessions.Create(ctx, u.ID, u.Role, session.In(in))
	if err != nil {
		return Tokens{}, User{}, err
	}
	// Whoever deactivates the user, or sets another password, commits first and ends the sessions afterwards. If that was
	// before our session existed, the commit was earlier still, and reading the user again shows it.
	recognised := u
	if u, err = s.store.User(ctx, u.ID); err == nil {
		err = s.authenticateAgain(ctx, recognised, u, c.Password)
	}
	if err != nil {
		_ = s.sessions.EndSession(context.WithoutCancel(ctx), begun) // nobody has a token of it
		return Tokens{}, User{}, err
	}
	access, err := s.access(begun, u)
	return Tokens{Access: access, Refresh: refresh, In: in}, u, err
}

// authenticate returns the active user whose credentials these are.
func (s *Service) authenticate(ctx context.Context, c Credentials, from netip.Addr) (User, error) {
	email := strings.TrimSpace(c.Email)
	attempt, err := s.loginAttempt(ctx, email, from)
	if err != nil {
		return User{}, err
	}
	u, right, err := s.look(ctx, email, c.Password)
	if err != nil || right {
		// Only wrong passwords count: neither an outage of our own nor who leaves before the answer locks an account.
		if e := attempt.takeBack(ctx); err == nil {
			err = e
		}
	}
	switch {
	case err != nil:
		return User{}, err
	case !right:
		return User{}, wrongCredentials()
	}
	if !u.IsActive {
		return User{}, deactivated()
	}
	return u, s.renewHash(ctx, u, c.Password)
}

// look reads the user of an e-mail and reports whether the password is that user's. Nobody's password is wrong, and takes
// as long.
func (s *Service) look(ctx context.Context, email, password string) (u User, right bool, err error) {
	u, err = s.store.UserByEmail(ctx, email)
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return User{}, false, err
	}
	right, err = s.hasher.Verify(ctx, u.PasswordHash, password) // nobody's hash is empty
	return u, right, err
}

// authenticateAgain returns why somebody who was recognised may not come in after all, as the user is now.
func (s *Service) authenticateAgain(ctx context.Context, was, is User, password string) error {
	if !is.IsActive {
		return deactivated()
	}
	if is.PasswordHash == was.PasswordHash {
		return nil
	}
	right, err := s.hasher.Verify(ctx, is.PasswordHash, password) // it may only have been hashed anew
	if err == nil && !right {
		err = wrongCredentials()
	}
	return err
}

// renewHash hashes a password again where hashes cost more, or less, than when it was set.
func (s *Service) renewHash(ctx context.Context, u User, password string) error {
	if !s.hasher.Outdated(u.PasswordHash) {
		return nil
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.SetPasswordHash(ctx, u.ID, u.PasswordHash, hash)
}

// access makes an access token of a session.
func (s *Service) access(of session.Session, u User) (session.Access, error) {
	token, expires, err := s.issuer.Issue(u.ID, u.Role, of.ID)
	return session.Access{Token: token, Expires: expires}, err
}

func wrongCredentials() error {
	return apperr.New(apperr.InvalidCredentials, "the e-mail or the password is wrong")
}

func deactivated() error { return apperr.New(apperr.AccountDeactivated, "the account is deactivated") }
