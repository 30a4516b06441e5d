// Package users is the domain of the users service: registration, login, sessions, user administration, and the ledger of
// each player. It depends on no transport, database or broker; the packages under internal provide them.
package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Store stores users and lists their transactions. Every method is one transaction and is safe for concurrent use. Errors
// are NOT_FOUND, USER_EXISTS and DEPENDENCY_UNAVAILABLE.
type Store interface {
	// CreateUser stores a new user and, for a player, the event PLAYER_REGISTERED.
	CreateUser(ctx context.Context, u User) error
	// User reads a user.
	User(ctx context.Context, id uuid.UUID) (User, error)
	// UserByEmail reads the user whose e-mail folds to folded; see [FoldEmail].
	UserByEmail(ctx context.Context, folded string) (User, error)
	// Users lists users, newest first.
	Users(ctx context.Context, f UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[User], error)
	// SetActive activates or deactivates a user. A change increments the status version, stores the event for a player, and
	// marks the sessions of a deactivated user as to be ended. Otherwise nothing is written.
	SetActive(ctx context.Context, id uuid.UUID, active bool) (User, error)
	// SessionsToEnd reads some of the users whose sessions are to be ended.
	SessionsToEnd(ctx context.Context) ([]User, error)
	// SessionsEnded removes the mark of SetActive, unless the user's status version has changed since u was read.
	SessionsEnded(ctx context.Context, u User) error
	// SetPasswordHash replaces a user's password hash. An empty old means a new password: the status version is incremented
	// and the sessions are marked as to be ended. Otherwise the hash is replaced only if it still is old.
	SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error
	// Transactions lists a user's transactions, newest first.
	Transactions(
		ctx context.Context, user uuid.UUID, f TransactionFilter, p keyset.PageRequest[int64],
	) (keyset.Page[Transaction], error)
}

// Sessions stores the sessions of users. The error is DEPENDENCY_UNAVAILABLE while the sessions cannot be reached.
type Sessions interface {
	// Create starts a session and returns it with its first refresh token.
	Create(ctx context.Context, user uuid.UUID, role authn.Role, in session.RefreshTokenIn) (session.Session, string, error)
	// Rank returns the refresh tokens, the most usable first. It changes nothing.
	Rank(ctx context.Context, refresh []string) ([]string, error)
	// Rotate exchanges a refresh token for the next pair of tokens. Errors: TOKEN_INVALID if the token is not known,
	// TOKEN_REVOKED if its session has ended, TOKEN_REUSED if it was exchanged before, which ends its session.
	Rotate(ctx context.Context, refresh string, issue session.Issue) (session.Session, session.Pair, error)
	// End ends the session of a refresh token. Errors: TOKEN_INVALID, TOKEN_REVOKED.
	End(ctx context.Context, refresh string) error
	// EndSession ends a session. It is idempotent.
	EndSession(ctx context.Context, s session.Session) error
	// EndAllOf ends every session of a user and returns their number.
	EndAllOf(ctx context.Context, user uuid.UUID) (int, error)
}

// Hasher hashes normalised passwords; see [github.com/casino-loyalty/loyalty/internal/password.Hasher].
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
	Outdated(hash string) bool
}

// Limiter counts events against rate limits, for all replicas together.
type Limiter interface {
	// Allow counts one event of key. The error is RATE_LIMITED if the limit is used up.
	Allow(ctx context.Context, key string, limit ratelimit.Limit) error
	// Refund undoes one Allow of key.
	Refund(ctx context.Context, key string, limit ratelimit.Limit) error
	// AllowShare is Allow, and records that client used one of key.
	AllowShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
	// RefundShare undoes one AllowShare, unless ClearShare has undone it.
	RefundShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
	// ClearShare undoes every AllowShare of key by client.
	ClearShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
}

// Issuer issues access tokens.
type Issuer interface {
	// Issue returns an access token of a session and its expiry.
	Issue(user uuid.UUID, role authn.Role, session uuid.UUID) (token string, expires time.Time, err error)
}

// Dependencies are the dependencies of a Service.
type Dependencies struct {
	Store    Store
	Sessions Sessions
	Hasher   Hasher
	Limiter  Limiter
	Issuer   Issuer
	// Limits are the rate limits of logins and registrations.
	Limits Limits
	// Now is time.Now, except in tests.
	Now func() time.Time
}

// Service implements the use cases of users. [LedgerService] implements those of the ledger. It is safe for concurrent use.
type Service struct {
	store    Store
	sessions Sessions
	hasher   Hasher
	limiter  Limiter
	issuer   Issuer
	limits   Limits
	now      func() time.Time
}

// New returns a service.
func New(d Dependencies) *Service {
	now := clock.Stored(d.Now, time.Microsecond)
	return &Service{d.Store, d.Sessions, d.Hasher, d.Limiter, d.Issuer, d.Limits, now}
}
