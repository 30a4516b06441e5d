// Package users is the domain of the users service: registration, login, sessions, user administration, and the ledger of
// each player. It does not depend on a transport, database or broker; the packages under internal provide them.
package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Store stores users and lists their transactions. Every method that writes is one transaction. All methods are safe for
// concurrent use. Errors: NOT_FOUND, USER_EXISTS and DEPENDENCY_UNAVAILABLE; other errors are internal.
type Store interface {
	// CreateUser stores a new user. For a player it also stores the event PLAYER_REGISTERED.
	CreateUser(ctx context.Context, u User) error
	// User reads a user.
	User(ctx context.Context, id uuid.UUID) (User, error)
	// SetActive activates or deactivates a user, and returns the user with the new status. A change increments the status
	// version and, for a player, stores the event. A deactivation also marks the user's sessions for ending. If the user
	// already has the status, SetActive writes nothing.
	//
	// by is the admin who makes the change, or uuid.Nil for an operator. The error is TOKEN_REVOKED if the admin is not active.
	// So of two admins who deactivate each other at the same time, one remains active.
	SetActive(ctx context.Context, by, id uuid.UUID, active bool) (User, error)
	// ChangePassword replaces the password hash of an active user if the stored hash equals old, and returns the user. It
	// increments the status version and marks the user's sessions for ending, except the session keep. If sessions of the user
	// are already marked, keep ends too, unless that mark keeps it. The error is INVALID_CREDENTIALS if the stored hash differs
	// from old, and ACCOUNT_DEACTIVATED if the user is not active.
	ChangePassword(ctx context.Context, id uuid.UUID, old, hash string, keep uuid.UUID) (User, error)
	// SetPasswordHash replaces a user's password hash. If old is not empty, it replaces the hash only if the stored hash equals
	// old. If old is empty, the user has a new password: SetPasswordHash also increments the status version and marks the
	// user's sessions for ending.
	SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error
	// Transactions lists a user's transactions, newest first.
	Transactions(
		ctx context.Context, user uuid.UUID, f TransactionFilter, p keyset.PageRequest[int64],
	) (keyset.Page[Transaction], error)

	DirectoryStore
	SessionMarkStore
	AuditStore
	FactorStore
	RestrictionStore
}

// DirectoryStore finds users.
type DirectoryStore interface {
	// UserByEmail reads the user whose e-mail folds to folded; see [FoldEmail].
	UserByEmail(ctx context.Context, folded string) (User, error)
	// PlayersByEmail returns the ids of the players whose e-mails fold to folded, by folded e-mail.
	PlayersByEmail(ctx context.Context, folded []string) (map[string]uuid.UUID, error)
	// Users lists users, newest first.
	Users(ctx context.Context, f UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[User], error)
}

// SessionMarkStore stores which sessions are to be ended. SetActive, SetPasswordHash, ChangePassword and ConfirmSecondFactor
// of [Store] set the mark, too.
type SessionMarkStore interface {
	// MarkSessionsToEnd increments the status version of a user and marks the sessions for ending, except keep, like
	// ChangePassword. It also stores the entry of the audit trail. The error is NOT_FOUND if no user has the id.
	MarkSessionsToEnd(ctx context.Context, id, keep uuid.UUID, change audit.Change) (User, error)
	// SessionsToEnd returns some of the users whose sessions are marked for ending.
	SessionsToEnd(ctx context.Context) ([]User, error)
	// ClearSessionsToEnd removes the mark. It keeps the mark if the user's status version has changed since u was read.
	ClearSessionsToEnd(ctx context.Context, u User) error
}

// AuditStore stores the audit trail. In addition, every method of [Store] that changes something adds an entry about the act
// in its context, in the same transaction; see [audit.From].
type AuditStore interface {
	// Record adds an entry about the act in ctx, which failed with failure if failure is not nil. ctx must have an act.
	Record(ctx context.Context, c audit.Change, failure error) error
	// AddAuditEntry adds an entry, unless the trail has it.
	AddAuditEntry(ctx context.Context, e AuditEntry) error
	// AuditEntries lists entries, newest first.
	AuditEntries(ctx context.Context, f AuditFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[AuditEntry], error)
}

// FactorStore stores second factors. Of concurrent calls with the same code, one returns true.
type FactorStore interface {
	// SecondFactor reads the factor of a user. It returns the zero value if the user has none.
	SecondFactor(ctx context.Context, user uuid.UUID) (SecondFactor, error)
	// EnrolSecondFactor stores a factor that is not active. It returns false if the user has an active factor.
	EnrolSecondFactor(ctx context.Context, f SecondFactor) (bool, error)
	// ConfirmSecondFactor activates a factor and uses up the code. It also increments the status version of the user, and marks
	// the user's sessions for ending, except the session of the proof. It returns false if the factor has changed.
	ConfirmSecondFactor(ctx context.Context, p FactorProof) (bool, error)
	// UseSecondFactor uses up a code of an active factor. It returns false if the code was used before.
	UseSecondFactor(ctx context.Context, p FactorProof) (bool, error)
	// DisableSecondFactor removes an active factor. It returns false if the code was used before.
	DisableSecondFactor(ctx context.Context, p FactorProof) (bool, error)
	// ResetSecondFactor removes the factor of a user, if there is one.
	ResetSecondFactor(ctx context.Context, user uuid.UUID) error
}

// Sessions stores the sessions of users. Every method returns DEPENDENCY_UNAVAILABLE while the store of the sessions cannot
// be reached.
type Sessions interface {
	// Create starts a session like s. If s has no id, it gets a new one. Create returns the session with its first refresh
	// token.
	Create(ctx context.Context, s session.Session) (session.Session, string, error)
	// Rank returns the refresh tokens without duplicates, in this order: not rotated, rotated within the grace period, rotated
	// earlier, of an ended session, unknown. It changes no session.
	Rank(ctx context.Context, refresh []string) ([]string, error)
	// Rotate exchanges a refresh token for the next pair of tokens. It calls issue for the access token, unless it already
	// knows that the refresh token was used, and stores the parameter from as the client of the session. All calls with
	// the same token within [session.GracePeriod] return the same pair. A later call with the token ends the session.
	//
	// Errors: TOKEN_INVALID if the token is malformed or unknown, TOKEN_REVOKED if the session has ended, TOKEN_REUSED if the
	// call ends the session, and the error of issue.
	Rotate(
		ctx context.Context, refresh string, from session.Client, issue session.Issue,
	) (session.Session, session.Pair, error)
	// End ends the session of a refresh token and returns it. Errors: TOKEN_INVALID if the token is malformed or unknown,
	// TOKEN_REVOKED if the session has already ended.
	End(ctx context.Context, refresh string) (session.Session, error)
	// EndSession ends a session of a user. It returns false if the session has already ended or belongs to another user.
	EndSession(ctx context.Context, user, id uuid.UUID) (bool, error)
	// EndAllOf ends every session of a user except one, and returns the number of ended sessions. If except is zero, it ends
	// all sessions.
	EndAllOf(ctx context.Context, user, except uuid.UUID) (int, error)
	// OfUser returns the sessions of a user, newest first.
	OfUser(ctx context.Context, user uuid.UUID) ([]session.Session, error)
}

// Hasher hashes normalised passwords; see [github.com/casino-loyalty/loyalty/internal/password.Hasher].
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
	Outdated(hash string) bool
}

// Limiter counts events against rate limits. All replicas share the counts.
type Limiter interface {
	// Allow counts one event of key. The error is RATE_LIMITED if the limit is used up.
	Allow(ctx context.Context, key string, limit ratelimit.Limit) error
	// Refund undoes one Allow of key.
	Refund(ctx context.Context, key string, limit ratelimit.Limit) error
	// AllowShare works like Allow, and also records that the event came from client.
	AllowShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
	// RefundShare undoes one AllowShare of key by client, unless ClearShare has already undone it.
	RefundShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
	// Remember records for ttl that client is known for key since a version.
	Remember(ctx context.Context, key, client string, version int64, ttl time.Duration) error
	// Remembers reports whether client is known for key, and since which version.
	Remembers(ctx context.Context, key, client string) (version int64, known bool, err error)
	// ClearShare undoes every AllowShare of key by client.
	ClearShare(ctx context.Context, key, client string, limit ratelimit.Limit) error
}

// Issuer issues access tokens.
type Issuer interface {
	// Issue returns an access token and its expiry, which is not after the end of the session.
	Issue(g authn.Grant) (token string, expires time.Time, err error)
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
	// SessionLifetime is the time from a login to the absolute end of the session.
	SessionLifetime time.Duration
	// DeviceKey signs device tokens.
	DeviceKey []byte
	// FactorSecrets are secrets that the database does not hold, from which the keys of second factors are derived. The first
	// one is used for new factors.
	FactorSecrets [][]byte
	// FactorRequired is true if employees must have a second factor.
	FactorRequired bool
	// FactorFreshness is the time for which a presented second factor permits acts that need a fresh one.
	FactorFreshness time.Duration
	// Now returns the current time. It is time.Now, except in tests.
	Now func() time.Time
	// Observer counts refused logins, password changes and registrations; nil ignores them.
	Observer Observer
}

// Observer counts refused logins, password changes and registrations, for metrics. Its methods must not block, and must be
// safe for concurrent use.
type Observer interface {
	// LoginFailed reports a login or a password change with wrong credentials, or a login of a deactivated user.
	LoginFailed(code apperr.Code)
	// Limited reports a request that a rate limit refused.
	Limited(limit LimitName)
}

type ignore struct{}

func (ignore) LoginFailed(apperr.Code) {}
func (ignore) Limited(LimitName)       {}

// Service implements the use cases of users. It is safe for concurrent use. [LedgerService] implements the use cases of the
// ledger.
type Service struct {
	store    Store
	sessions Sessions
	hasher   Hasher
	limiter  Limiter
	issuer   Issuer
	limits   Limits
	now      func() time.Time
	observer Observer

	sessionLifetime time.Duration
	devices         devices
	factorKeys      factorKeys
	factorRequired  bool
	factorFreshness time.Duration
}

// New returns a service. It returns an error if a secret of FactorSecrets cannot be used.
func New(d Dependencies) (*Service, error) {
	now := clock.Stored(d.Now, time.Microsecond)
	if d.Observer == nil {
		d.Observer = ignore{}
	}
	keys, err := newFactorKeys(d.FactorSecrets)
	if err != nil {
		return nil, err
	}
	return &Service{
		d.Store, d.Sessions, d.Hasher, d.Limiter, d.Issuer, d.Limits, now, d.Observer, d.SessionLifetime,
		devices{d.DeviceKey, now}, keys, d.FactorRequired, d.FactorFreshness,
	}, nil
}
