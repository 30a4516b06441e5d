package users

import (
	"context"
	"net/netip"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Credentials are an e-mail and a password.
type Credentials struct{ Email, Password string }

// Tokens are the tokens of a session.
type Tokens struct {
	Access session.Access
	// Refresh is the refresh token. In says how the client receives it.
	Refresh string
	In      RefreshTokenIn
}

// Login starts a session. An empty in means COOKIE.
//
// Errors: INVALID_CREDENTIALS, which does not reveal whether the user exists, because a login takes equally long for an
// unknown e-mail; ACCOUNT_DEACTIVATED, which only the right password reveals; and RATE_LIMITED after too many failures.
func (s *Service) Login(ctx context.Context, c Credentials, in RefreshTokenIn, from netip.Addr) (Tokens, User, error) {
	if in == "" {
		in = RefreshTokenInCookie
	}
	authenticated, err := s.authenticate(ctx, c, from)
	if err != nil {
		return Tokens{}, User{}, err
	}
	created, refresh, err := s.sessions.Create(ctx, authenticated.ID, authenticated.Role, session.RefreshTokenIn(in))
	if err != nil {
		return Tokens{}, User{}, err
	}
	// A deactivation or a new password commits first and ends the sessions afterwards. If it ended them before this session
	// existed, its commit is visible now.
	u, err := s.store.User(ctx, authenticated.ID)
	if err == nil {
		err = s.checkUnchanged(ctx, authenticated, u, c.Password)
	}
	if err != nil {
		_ = s.sessions.EndSession(context.WithoutCancel(ctx), created) // no client has its tokens, so it may also expire
		return Tokens{}, User{}, err
	}
	access, err := s.access(created, u)
	return Tokens{Access: access, Refresh: refresh, In: in}, u, err
}

// authenticate returns the active user with these credentials.
func (s *Service) authenticate(ctx context.Context, c Credentials, from netip.Addr) (User, error) {
	attempt, err := s.countLogin(ctx, c.Email, from)
	if err != nil {
		return User{}, err
	}
	u, right, err := s.verify(ctx, c)
	switch {
	case err != nil:
		_ = attempt.refund(ctx) // an outage or a cancelled request must not lock the account; err is more specific
		return User{}, err
	case !right:
		return User{}, wrongCredentials()
	}
	if err := attempt.succeeded(ctx); err != nil {
		return User{}, err
	}
	if !u.IsActive {
		return User{}, deactivated()
	}
	return u, s.renewHash(ctx, u, c.Password)
}

// verify reads the user with the e-mail and reports whether the password is right. An unknown e-mail and a password that no
// user can have take as long as a wrong password.
func (s *Service) verify(ctx context.Context, c Credentials) (u User, right bool, err error) {
	u, err = s.store.UserByEmail(ctx, FoldEmail(c.Email))
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return User{}, false, err
	}
	right, err = s.verifyPassword(ctx, u.PasswordHash, c.Password)
	return u, right, err
}

// verifyPassword reports whether hash is the hash of a password. The hash of an unknown user is empty.
func (s *Service) verifyPassword(ctx context.Context, hash, secret string) (bool, error) {
	normal, err := password.Normalize(secret)
	if err != nil {
		hash = "" // no user has this password; verifying the empty hash takes as long as any other
	}
	return s.hasher.Verify(ctx, hash, normal)
}

// checkUnchanged returns an error if a user who was authenticated has been deactivated or given another password since.
func (s *Service) checkUnchanged(ctx context.Context, before, now User, secret string) error {
	if !now.IsActive {
		return deactivated()
	}
	if now.PasswordHash == before.PasswordHash {
		return nil
	}
	right, err := s.verifyPassword(ctx, now.PasswordHash, secret) // a parallel login may have renewed the hash
	if err == nil && !right {
		err = wrongCredentials()
	}
	return err
}

// renewHash hashes the password again if the cost of new hashes has changed.
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
	token, expires, err := s.issuer.Issue(u.ID, u.Role, of.ID)
	return session.Access{Token: token, Expires: expires}, err
}

func wrongCredentials() error {
	return apperr.New(apperr.InvalidCredentials, "the e-mail or the password is wrong")
}

func deactivated() error { return apperr.New(apperr.AccountDeactivated, "the account is deactivated") }
