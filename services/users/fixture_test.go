package users_test

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit/ratelimitredis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/users"
)

const secret = "correct horse"

var (
	clientAddr = netip.MustParseAddr("192.0.2.1") // the default address of the client
	fastHash   = password.Params{Memory: 64, Passes: 1, Threads: 1}
)

// testClient returns the default client.
func testClient() users.Client { return session.NewClient(clientAddr, "test") }

// fixture is the service with a fake store and an embedded Redis.
type fixture struct {
	*testing.T
	*users.Service
	store    *fakeStore
	sessions *sessionredis.Store
	outage   *atomic.Bool // if true, sessions cannot be ended
	afterEnd *afterEnd
	redis    rueidis.Client
	verifier *accesstoken.Verifier
}

// unreliableSessions cannot end the sessions of a user during an outage.
type unreliableSessions struct {
	*sessionredis.Store
	outage *atomic.Bool
	*afterEnd
}

// afterEnd, if cancel is set, cancels the call after a session was looked up or ended.
type afterEnd struct{ cancel context.CancelFunc }

func (a *afterEnd) call() {
	if a.cancel != nil {
		a.cancel()
	}
}

func (r unreliableSessions) OfUser(ctx context.Context, user uuid.UUID) ([]session.Session, error) {
	defer r.call()
	return r.Store.OfUser(ctx, user)
}

func (r unreliableSessions) End(ctx context.Context, refresh string) (session.Session, error) {
	defer r.call()
	return r.Store.End(ctx, refresh)
}

func (r unreliableSessions) Rotate(
	ctx context.Context, refresh string, from session.Client, issue session.Issue,
) (session.Session, session.Pair, error) {
	defer r.call()
	return r.Store.Rotate(ctx, refresh, from, issue)
}

func (r unreliableSessions) EndAllOf(ctx context.Context, user, except uuid.UUID) (int, error) {
	if r.outage.Load() {
		return 0, apperr.New(apperr.DependencyUnavailable, "sessions cannot be reached")
	}
	return r.Store.EndAllOf(ctx, user, except)
}

func start(t *testing.T) *fixture { return startWith(t, fastHash, users.DefaultLimits()) }

func startWith(t *testing.T, p password.Params, limits users.Limits) *fixture {
	t.Helper()
	return startWithLifetime(t, p, limits, session.DefaultLifetime)
}

func startWithLifetime(t *testing.T, p password.Params, limits users.Limits, lifetime time.Duration) *fixture {
	t.Helper()
	f := &fixture{T: t, store: &fakeStore{users: map[uuid.UUID]users.User{}}, redis: redistest.OpenEmbedded(t), afterEnd: &afterEnd{}}
	f.sessions, f.outage = sessionredis.NewStore(f.redis, sessionredis.Key("key")), &atomic.Bool{}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := accesstoken.NewIssuer(private, "issuer", "audience")
	if err != nil {
		t.Fatal(err)
	}
	f.verifier, err = accesstoken.NewVerifier("issuer", "audience", accesstoken.NewStaticKeys(public), f.sessions)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(p)
	if err != nil {
		t.Fatal(err)
	}
	f.Service, err = users.New(users.Dependencies{
		Store: f.store, Sessions: unreliableSessions{f.sessions, f.outage, f.afterEnd}, Hasher: hasher,
		Limiter: ratelimitredis.New(f.redis), Issuer: issuer, Limits: limits, SessionLifetime: lifetime, DeviceKey: []byte("key"),
		FactorSecrets: [][]byte{[]byte("secret")}, FactorFreshness: 5 * time.Minute, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) register(email string) users.User {
	f.Helper()
	u, err := f.Register(f.Context(), email, secret, clientAddr)
	if err != nil {
		f.Fatal(err)
	}
	return u
}

func (f *fixture) login(email string) users.Tokens { return f.loginWith(email, secret) }

func (f *fixture) loginWith(email, password string) users.Tokens {
	f.Helper()
	tokens, _, err := f.Login(f.Context(), users.Credentials{Email: email, Password: password}, "", testClient())
	if err != nil {
		f.Fatal(err)
	}
	return tokens
}

// tryLogin logs in and returns the code of the error, or "" for a success.
func (f *fixture) tryLogin(email, password string, from netip.Addr) apperr.Code {
	_, _, err := f.Login(f.Context(), users.Credentials{Email: email, Password: password}, "", session.NewClient(from, "test"))
	return apperr.CodeOf(err)
}

// checkAccess authenticates with the access token and checks the code of the error. The code is "" if the token is accepted.
func (f *fixture) checkAccess(t users.Tokens, want apperr.Code) {
	f.Helper()
	if _, err := f.verifier.Authenticate(f.Context(), t.Access.Token); apperr.CodeOf(err) != want {
		f.Errorf("authentication with the access token: %v, want code %q", err, want)
	}
}

// checkCode checks the code of the error of an operation. The code is "" if err is nil.
func checkCode(t *testing.T, operation string, err error, want apperr.Code) {
	t.Helper()
	if apperr.CodeOf(err) != want {
		t.Errorf("%s: %v, want code %q", operation, err, want)
	}
}

// fakeStore stores users in memory. It does not implement Users and Transactions.
type fakeStore struct {
	users.Store
	mu    sync.Mutex
	users map[uuid.UUID]users.User
	// beforeUser, if set, is called before User reads a user.
	beforeUser func()
	// emailErr, if set, is the error of UserByEmail.
	emailErr error
	// beforeSetActive, if set, is called before SetActive changes a user.
	beforeSetActive func()
	// beforeChangePassword, if set, is called before ChangePassword changes a user.
	beforeChangePassword func()
	// recorded are the entries of the audit trail. If recordErr is set, Record fails with it.
	recorded  []audit.Entry
	recordErr error
	// factor is the second factor of every user.
	factor       users.SecondFactor
	restrictions []users.Restriction
}

func (s *fakeStore) Record(ctx context.Context, c audit.Change, failure error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.recordErr, ctx.Err()); err != nil {
		return err
	}
	e, err := audit.From(ctx).Entry(time.Now(), c, failure)
	s.recorded = append(s.recorded, e)
	return err
}

func (s *fakeStore) SecondFactor(context.Context, uuid.UUID) (users.SecondFactor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.factor, nil
}

func (s *fakeStore) CreateUser(_ context.Context, u users.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.users {
		if other.EmailFolded == u.EmailFolded {
			return apperr.New(apperr.UserExists, "the e-mail is taken")
		}
	}
	s.users[u.ID] = u
	return nil
}

func (s *fakeStore) User(_ context.Context, id uuid.UUID) (users.User, error) {
	if s.beforeUser != nil {
		s.beforeUser()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.users[id]; ok {
		return u, nil
	}
	return users.User{}, apperr.New(apperr.NotFound, "user not found")
}

func (s *fakeStore) UserByEmail(_ context.Context, folded string) (users.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.emailErr != nil {
		return users.User{}, s.emailErr
	}
	for _, u := range s.users {
		if u.EmailFolded == folded {
			return u, nil
		}
	}
	return users.User{}, apperr.New(apperr.NotFound, "user not found")
}

func (s *fakeStore) SetActive(_ context.Context, _, id uuid.UUID, active bool) (users.User, error) {
	if s.beforeSetActive != nil {
		s.beforeSetActive()
	}
	return s.change(id, func(u *users.User) {
		if u.IsActive != active {
			u.IsActive, u.StatusVersion, u.SessionsToEnd = active, u.StatusVersion+1, u.SessionsToEnd || !active
		}
	})
}

func (s *fakeStore) SessionsToEnd(context.Context) ([]users.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []users.User
	for _, u := range s.users {
		if u.SessionsToEnd {
			all = append(all, u)
		}
	}
	return all, nil
}

func (s *fakeStore) MarkSessionsToEnd(ctx context.Context, id, keep uuid.UUID, c audit.Change) (users.User, error) {
	u, err := s.change(id, func(u *users.User) {
		u.SessionsToEnd, u.KeptSession, u.StatusVersion = true, keep, u.StatusVersion+1
	})
	if err == nil && audit.From(ctx) != nil {
		err = s.Record(ctx, c, nil)
	}
	return u, err
}

func (s *fakeStore) ClearSessionsToEnd(_ context.Context, u users.User) error {
	_, err := s.change(u.ID, func(now *users.User) {
		now.SessionsToEnd = now.SessionsToEnd && now.StatusVersion != u.StatusVersion
	})
	return err
}

func (s *fakeStore) SetPasswordHash(_ context.Context, id uuid.UUID, old, hash string) error {
	_, err := s.change(id, func(u *users.User) {
		switch old {
		case "":
			u.PasswordHash, u.SessionsToEnd, u.StatusVersion = hash, true, u.StatusVersion+1
			u.KeptSession = uuid.Nil
		case u.PasswordHash:
			u.PasswordHash = hash
		}
	})
	return err
}

func (s *fakeStore) ChangePassword(_ context.Context, id uuid.UUID, old, hash string, keep uuid.UUID) (users.User, error) {
	if s.beforeChangePassword != nil {
		s.beforeChangePassword()
	}
	refused := true
	u, err := s.change(id, func(u *users.User) {
		if refused = u.PasswordHash != old; refused {
			return
		}
		u.PasswordHash, u.SessionsToEnd, u.KeptSession, u.StatusVersion = hash, true, keep, u.StatusVersion+1
	})
	if err == nil && refused {
		err = apperr.New(apperr.InvalidCredentials, "the password has been changed in the meantime")
	}
	return u, err
}

func (s *fakeStore) change(id uuid.UUID, change func(*users.User)) (users.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[id]
	if !ok {
		return users.User{}, apperr.New(apperr.NotFound, "user not found")
	}
	change(&u)
	s.users[id] = u
	return u, nil
}
