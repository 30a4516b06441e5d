// Package users is the domain of the users service: who may come in, and what is in the books of each player. It knows no
// transport, database or broker; the packages under internal join it to them.
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

// Store keeps users and shows their ledgers. Every method is one transaction, and every method is safe for concurrent
// use. Errors are the schema's: NOT_FOUND, USER_EXISTS, DEPENDENCY_UNAVAILABLE.
type Store interface {
	// CreateUser stores a new user and, for a player, the event that one has registered.
	CreateUser(ctx context.Context, u User) error
	// User reads one user.
	User(ctx context.Context, id uuid.UUID) (User, error)
	// UserByEmail reads the user of an e-mail, which is compared without case.
	UserByEmail(ctx context.Context, email string) (User, error)
	// Users lists users, newest first.
	Users(ctx context.Context, f UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[User], error)
	// SetActive switches a user off or on. Where that changes something it counts the switch, for a player stores the event
	// of it, and notes of a user who is switched off that the sessions are to be ended.
	SetActive(ctx context.Context, id uuid.UUID, active bool) (User, error)
	// SessionsToEnd reads some of the users whose sessions are to be ended.
	SessionsToEnd(ctx context.Context) ([]User, error)
	// SessionsEnded notes that the sessions of u are ended, unless u has been switched since it was read.
	SessionsEnded(ctx context.Context, u User) error
	// SetPasswordHash replaces a user's password hash. Where old is empty, the password is another one, whatever it was, and
	// the sessions are to be ended; else it is the same one hashed anew, and replaced only if the hash still is old.
	SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error
	// Transactions lists a user's ledger, newest first.
	Transactions(
		ctx context.Context, user uuid.UUID, f TransactionFilter, p keyset.PageRequest[int64],
	) (keyset.Page[Transaction], error)
}

// Sessions keeps the sessions of those who are logged in. Where it cannot be reached the error is DEPENDENCY_UNAVAILABLE.
type Sessions interface {
	// Create begins a session and returns it with its first refresh token.
	Create(ctx context.Context, user uuid.UUID, role authn.Role, in session.In) (session.Session, string, error)
	// Rotate exchanges a refresh token for the next pair of tokens. TOKEN_INVALID for one that is not known, TOKEN_REVOKED
	// where its session has ended, and TOKEN_REUSED where it was exchanged before, which ends its session.
	Rotate(ctx context.Context, refresh string, issue session.Issue) (session.Session, session.Pair, error)
	// End ends the session of a refresh token: TOKEN_INVALID, TOKEN_REVOKED.
	End(ctx context.Context, refresh string) error
	// EndSession ends a session. Ending it again is harmless.
	EndSession(ctx context.Context, s session.Session) error
	// EndAllOf ends every session of a user, and returns how many did end.
	EndAllOf(ctx context.Context, user uuid.UUID) (int, error)
}

// Hasher hashes passwords; see [github.com/casino-loyalty/loyalty/internal/password.Hasher].
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
	Outdated(hash string) bool
}

// Limiter counts what is limited, over all replicas.
type Limiter interface {
	// Allow counts one of key, or refuses it with RATE_LIMITED.
	Allow(ctx context.Context, key string, limit ratelimit.Limit) error
	// Refund undoes one Allow of key.
	Refund(ctx context.Context, key string, limit ratelimit.Limit) error
}

// Issuer makes access tokens.
type Issuer interface {
	// Issue returns an access token of a session, and when it ends.
	Issue(user uuid.UUID, role authn.Role, session uuid.UUID) (token string, expires time.Time, err error)
}

// Dependencies are what a service works with.
type Dependencies struct {
	Store    Store
	Sessions Sessions
	Hasher   Hasher
	Limiter  Limiter
	Issuer   Issuer
	// Limits bound how often somebody may try.
	Limits Limits
	// Now is time.Now but in tests.
	Now func() time.Time
}

// Service is the use cases of users but for the ledger's, which is [LedgerService]'s. It is safe for concurrent use.
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
