package users_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit/ratelimitredis"
	"github.com/casino-loyalty/loyalty/internal/redistest"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/users"
)

const secret = "correct horse"

var (
	home  = netip.MustParseAddr("192.0.2.1")
	cheap = password.Params{Memory: 64, Passes: 1, Threads: 1}
)

// house is the service with everything real but the database.
type house struct {
	*testing.T
	*users.Service
	store    *memory
	sessions *sessionredis.Store
	outage   *atomic.Bool // the sessions cannot be ended
	redis    rueidis.Client
	verifier *accesstoken.Verifier
}

// reachable are sessions that cannot be ended during an outage.
type reachable struct {
	*sessionredis.Store
	outage *atomic.Bool
}

func (r reachable) EndAllOf(ctx context.Context, user uuid.UUID) (int, error) {
	if r.outage.Load() {
		return 0, apperr.New(apperr.DependencyUnavailable, "away")
	}
	return r.Store.EndAllOf(ctx, user)
}

func newHouse(t *testing.T) *house { return newHouseWith(t, cheap, users.DefaultLimits()) }

func newHouseWith(t *testing.T, p password.Params, limits users.Limits) *house {
	t.Helper()
	h := &house{T: t, store: &memory{users: map[uuid.UUID]users.User{}}, redis: redistest.OpenEmbedded(t)}
	h.sessions, h.outage = sessionredis.NewStore(h.redis), &atomic.Bool{}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := accesstoken.NewIssuer(private, "issuer", "audience")
	if err != nil {
		t.Fatal(err)
	}
	if h.verifier, err = accesstoken.NewVerifier("issuer", "audience", accesstoken.NewStaticKeys(public), h.sessions); err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(p)
	if err != nil {
		t.Fatal(err)
	}
	h.Service = users.New(users.Dependencies{
		Store: h.store, Sessions: reachable{h.sessions, h.outage}, Hasher: hasher, Limiter: ratelimitredis.New(h.redis),
		Issuer: issuer,
		Limits: limits, Now: time.Now,
	})
	return h
}

func (h *house) register(email string) users.User {
	h.Helper()
	u, err := h.Register(h.Context(), email, secret, home)
	if err != nil {
		h.Fatal(err)
	}
	return u
}

func (h *house) login(email string) users.Tokens { return h.loginWith(email, secret) }

func (h *house) loginWith(email, password string) users.Tokens {
	h.Helper()
	tokens, _, err := h.Login(h.Context(), users.Credentials{Email: email, Password: password}, "", home)
	if err != nil {
		h.Fatal(err)
	}
	return tokens
}

// try logs in and returns the code of the error.
func (h *house) try(email, password string, from netip.Addr) apperr.Code {
	_, _, err := h.Login(h.Context(), users.Credentials{Email: email, Password: password}, "", from)
	return apperr.CodeOf(err)
}

// accepted checks what an access token is answered with.
func (h *house) accepted(t users.Tokens, want apperr.Code) {
	h.Helper()
	if _, err := h.verifier.Authenticate(h.Context(), t.Access.Token); apperr.CodeOf(err) != want {
		h.Errorf("the access token is answered with %v, want %q", err, want)
	}
}

func code(t *testing.T, what string, err error, want apperr.Code) {
	t.Helper()
	if apperr.CodeOf(err) != want {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

// memory is a Store without a database, of users only; that of PostgreSQL has tests of its own.
type memory struct {
	mu    sync.Mutex
	users map[uuid.UUID]users.User
	// before is called when a user is read, to let something happen at that moment.
	before func()
	// away, if set, is why nobody is found by e-mail.
	away error
	// switching is called when a user is switched, just before it is.
	switching func()
}

func (m *memory) CreateUser(_ context.Context, u users.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.users {
		if other.EmailFolded == u.EmailFolded {
			return apperr.New(apperr.UserExists, "taken")
		}
	}
	m.users[u.ID] = u
	return nil
}

func (m *memory) User(_ context.Context, id uuid.UUID) (users.User, error) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if u, ok := m.users[id]; ok {
		return u, nil
	}
	return users.User{}, apperr.New(apperr.NotFound, "no such user")
}

func (m *memory) UserByEmail(_ context.Context, folded string) (users.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away != nil {
		return users.User{}, m.away
	}
	for _, u := range m.users {
		if u.EmailFolded == folded {
			return u, nil
		}
	}
	return users.User{}, apperr.New(apperr.NotFound, "no such user")
}

func (m *memory) SetActive(_ context.Context, id uuid.UUID, active bool) (users.User, error) {
	if m.switching != nil {
		m.switching()
	}
	return m.change(id, func(u *users.User) {
		if u.IsActive != active {
			u.IsActive, u.StatusVersion, u.SessionsToEnd = active, u.StatusVersion+1, u.SessionsToEnd || !active
		}
	})
}

func (m *memory) SessionsToEnd(context.Context) ([]users.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []users.User
	for _, u := range m.users {
		if u.SessionsToEnd {
			all = append(all, u)
		}
	}
	return all, nil
}

func (m *memory) SessionsEnded(_ context.Context, u users.User) error {
	_, err := m.change(u.ID, func(now *users.User) { now.SessionsToEnd = now.SessionsToEnd && now.StatusVersion != u.StatusVersion })
	return err
}

func (m *memory) SetPasswordHash(_ context.Context, id uuid.UUID, old, hash string) error {
	_, err := m.change(id, func(u *users.User) {
		switch old {
		case "":
			u.PasswordHash, u.SessionsToEnd, u.StatusVersion = hash, true, u.StatusVersion+1
		case u.PasswordHash:
			u.PasswordHash = hash
		}
	})
	return err
}

func (m *memory) change(id uuid.UUID, change func(*users.User)) (users.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[id]
	if !ok {
		return users.User{}, apperr.New(apperr.NotFound, "no such user")
	}
	change(&u)
	m.users[id] = u
	return u, nil
}

var errUnused = errors.New("not part of these tests")

func (m *memory) Users(context.Context, users.UserFilter, keyset.PageRequest[uuid.UUID]) (keyset.Page[users.User], error) {
	return keyset.Page[users.User]{}, errUnused
}

func (m *memory) Transactions(context.Context, uuid.UUID, users.TransactionFilter, keyset.PageRequest[int64]) (keyset.Page[users.Transaction], error) {
	return keyset.Page[users.Transaction]{}, errUnused
}
