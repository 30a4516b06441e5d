package loyalty

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tokens are the tokens of a session.
type Tokens struct {
	// Access authenticates calls until ExpiresAt.
	Access    string
	ExpiresAt time.Time
	// Refresh gets new tokens, once. It is empty with WithRefreshCookie.
	Refresh string
}

const (
	// renewBefore is how long before its expiry an access token is renewed.
	renewBefore = 30 * time.Second
	// renewTimeout limits a renewal with its login.
	renewTimeout = 20 * time.Second
	// refreshTimeout limits a refresh with all its attempts. A refresh token can be repeated for ten seconds after its first
	// use.
	refreshTimeout = 10 * time.Second
	// refreshAttempts limits the attempts of a refresh. Each has an equal part of the time.
	refreshAttempts = 4
)

// ErrNoSession means that the client has no session and no credentials to start one.
var ErrNoSession = errors.New("loyalty: not logged in")

// session keeps the tokens of a client.
type session struct {
	credentials *LoginRequest
	cookie      bool
	observe     func(Tokens)

	mu     sync.Mutex
	tokens Tokens
	// email is the e-mail of the login that started the session. It is empty if the tokens were stored.
	email string
	// changes is the number of logins and logouts. They take precedence over a renewal in progress.
	changes int
	// ahead is how far the platform's clock is ahead of the local clock, according to its last answer.
	ahead time.Duration
	// renewal is the renewal in progress, or nil. Concurrent calls wait for it.
	renewal *renewal
}

type renewal struct {
	done    chan struct{}
	old     Tokens // the tokens that are renewed
	email   string // of the session that is renewed
	changes int    // the logins and logouts before the renewal
	err     error  // set before done is closed
}

// access returns an access token. It renews the token if it is missing or expires soon.
func (s *session) access(ctx context.Context, c *Client) (string, error) {
	s.mu.Lock()
	t := s.tokens
	renewable := t.Refresh != "" || s.cookie && t.Access != "" || s.credentials != nil
	left := time.Until(t.ExpiresAt) - s.ahead
	s.mu.Unlock()
	switch {
	case t.Access == "" && !renewable:
		return "", ErrNoSession
	case t.Access != "" && (t.ExpiresAt.IsZero() || left > renewBefore || !renewable):
		return t.Access, nil
	}
	err := s.renew(ctx, c, t.Access)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && (left <= 0 || s.tokens.Access == "") {
		return "", err
	}
	if s.tokens.Access == "" { // after a logout
		return "", ErrNoSession
	}
	return s.tokens.Access, nil // after an outage, the old token is still valid
}

// setClock compares the clocks with the header Date of an answer.
func (s *session) setClock(date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.ahead = time.Until(at)
	s.mu.Unlock()
}

// renew replaces the access token used, unless that has already happened. Concurrent calls share one renewal. It goes on if
// ctx ends, because the platform may have received the refresh token.
func (s *session) renew(ctx context.Context, c *Client, used string) error {
	s.mu.Lock()
	if s.tokens.Access != used && s.tokens.Access != "" {
		s.mu.Unlock()
		return nil
	}
	r := s.renewal
	if r == nil {
		r = &renewal{done: make(chan struct{}), old: s.tokens, email: s.email, changes: s.changes}
		s.renewal = r
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
			defer cancel()
			t, email, err := s.newTokens(ctx, c, r)
			s.finish(r, t, email, err)
		}()
	}
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newTokens refreshes the session, or starts a new one if it has ended. It also returns the e-mail of the session.
func (s *session) newTokens(ctx context.Context, c *Client, r *renewal) (Tokens, string, error) {
	err := ErrNoSession
	if r.old.Refresh != "" || s.cookie && r.old.Access != "" {
		var t Tokens
		if t, err = c.refresh(ctx, r.old.Refresh); err == nil {
			return t, r.email, nil
		}
		if !isEnded(err) {
			return r.old, r.email, err
		}
	}
	s.mu.Lock()
	credentials := s.credentials
	s.mu.Unlock()
	if credentials == nil {
		return Tokens{}, "", err
	}
	t, _, err := c.login(ctx, *credentials)
	c.log.LogAttrs(ctx, slog.LevelInfo, "logged in", slog.Any("error", err))
	return t, credentials.Email, err
}

// finish ends a renewal. A login or logout in the meantime takes precedence.
func (s *session) finish(r *renewal, t Tokens, email string, err error) {
	s.mu.Lock()
	switch {
	case s.changes != r.changes:
		err = nil
	case err == nil || t.Access == "":
		s.set(t, email)
	}
	s.renewal, r.err = nil, err
	s.mu.Unlock()
	close(r.done)
}

// set stores the tokens of a session and the e-mail of its login. The caller holds the lock.
func (s *session) set(t Tokens, email string) {
	s.email = email
	if t == s.tokens {
		return
	}
	s.tokens = t
	if s.observe != nil {
		s.observe(t)
	}
}

// succeeded keeps the new password if a call with a token has changed the password of the credentials, so that the next
// login does not fail.
func (s *session) succeeded(a arguments, token string) {
	change, ok := a.body.(ChangeMyPasswordRequest)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.credentials == nil {
		return
	}
	// The e-mail of the token is unknown if its session was stored, or if the session has changed during the call. Then the
	// current password identifies the account.
	same := change.CurrentPassword == s.credentials.Password
	if s.email != "" && s.tokens.Access == token {
		same = strings.EqualFold(s.email, s.credentials.Email)
	}
	if same {
		s.credentials = &LoginRequest{Email: s.credentials.Email, Password: change.NewPassword}
	}
}

// isEnded reports whether the platform has refused a refresh token, so that the session is over.
func isEnded(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]Code{
		CodeTokenInvalid, CodeTokenRevoked, CodeTokenReused, CodeAccountDeactivated,
		CodeTokenMissing, // there is no cookie
	}, e.Code)
}

// Login starts a session. A previous session of the client stays valid on the platform. The client does not keep the
// password; see [WithCredentials]. It fails with CodeInvalidCredentials, CodeAccountDeactivated or CodeRateLimited.
func (c *Client) Login(ctx context.Context, email, password string) (*User, error) {
	return c.LoginWith(ctx, LoginRequest{Email: email, Password: password})
}

// LoginWith is [Client.Login] with the other members of the request. The client sets RefreshTokenIn itself.
func (c *Client) LoginWith(ctx context.Context, request LoginRequest) (*User, error) {
	t, user, err := c.login(ctx, request)
	if err != nil {
		return nil, err
	}
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	c.session.changes++
	c.session.set(t, request.Email)
	return user, nil
}

func (c *Client) login(ctx context.Context, body LoginRequest) (Tokens, *User, error) {
	body.RefreshTokenIn = RefreshTokenInBody
	if c.session.cookie {
		body.RefreshTokenIn = RefreshTokenInCookie
	}
	result, err := c.loginSession(ctx, body)
	if err != nil {
		return Tokens{}, nil, err
	}
	return Tokens{result.AccessToken, result.ExpiresAt, result.RefreshToken}, &result.User, nil
}

// refresh gets new tokens. A lost answer is asked for again, for as long as the platform repeats it.
func (c *Client) refresh(ctx context.Context, token string) (Tokens, error) {
	limited := &Client{base: c.base, http: c.http, log: c.log, agent: c.agent, timeout: refreshTimeout, retries: c.retries}
	limited.retries.attempts = min(limited.retries.attempts, refreshAttempts)
	limited.retries.timeout = refreshTimeout / refreshAttempts
	result, err := limited.refreshSession(ctx, RefreshRequest{RefreshToken: token})
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{result.AccessToken, result.ExpiresAt, result.RefreshToken}, nil
}

// Logout ends the session. It succeeds if the session has already ended. It waits for a renewal in progress.
func (c *Client) Logout(ctx context.Context) error {
	s := &c.session
	s.mu.Lock()
	r := s.renewal
	s.mu.Unlock()
	if r != nil {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	old, before := s.tokens, s.changes
	s.mu.Unlock()
	if old == (Tokens{}) {
		return nil
	}
	err := c.logoutSession(ctx, LogoutRequest{RefreshToken: old.Refresh})
	if err != nil && !isEnded(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == before { // the tokens may have been renewed; a login has started another session
		s.changes++
		s.set(Tokens{}, "")
	}
	return nil
}

// Tokens returns the current tokens, or empty tokens without a session.
func (c *Client) Tokens() Tokens {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	return c.session.tokens
}

// jitter returns a random duration below limit.
func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		return limit
	}
	return time.Duration(n.Int64())
}
