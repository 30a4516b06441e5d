package rpc_test

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

// fakeStore contains a player, a staff member and an admin, and one transaction of the player. It records the parameters of
// the last list request.
type fakeStore struct {
	users.Store
	users map[uuid.UUID]users.User
	err   error // returned by each call that would otherwise succeed

	filter            users.UserFilter
	page              keyset.PageRequest[uuid.UUID]
	transactionFilter users.TransactionFilter
	transactionPage   keyset.PageRequest[int64]
	auditFilter       users.AuditFilter

	factor   users.SecondFactor // the factor of every user
	recorded []audit.Entry

	restrictions []users.Restriction // of the player
}

func newFakeStore() *fakeStore {
	s := &fakeStore{users: map[uuid.UUID]users.User{}}
	for role, id := range tokens() {
		u := users.User{
			ID: uuid.MustParse(id), Email: strings.ToLower(string(role)) + "@example.com", Role: role, IsActive: true,
			CreatedAt: now(), PasswordHash: fakeHash(secret),
		}
		if role == authn.RolePlayer {
			u.Email, u.Balance = playerEmail, 2000
		}
		u.EmailFolded = users.FoldEmail(u.Email)
		s.users[u.ID] = u
	}
	return s
}

func (s *fakeStore) CreateUser(ctx context.Context, u users.User) error {
	if _, err := s.UserByEmail(ctx, u.EmailFolded); err == nil {
		return apperr.New(apperr.UserExists, "the e-mail is taken")
	}
	s.users[u.ID] = u
	return s.err
}

func (s *fakeStore) User(_ context.Context, id uuid.UUID) (users.User, error) {
	u, ok := s.users[id]
	if !ok {
		return users.User{}, apperr.New(apperr.NotFound, "user not found")
	}
	return u, s.err
}

func (s *fakeStore) UserByEmail(_ context.Context, folded string) (users.User, error) {
	for _, u := range s.users {
		if u.EmailFolded == folded {
			return u, s.err
		}
	}
	return users.User{}, apperr.New(apperr.NotFound, "user not found")
}

func (s *fakeStore) Users(
	_ context.Context, f users.UserFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[users.User], error) {
	s.filter, s.page = f, p
	player := s.users[uuid.MustParse(playerID)]
	return keyset.Page[users.User]{Items: []users.User{player}, Total: 2, More: p.Before == uuid.Nil}, s.err
}

func (s *fakeStore) SetActive(ctx context.Context, _, id uuid.UUID, active bool) (users.User, error) {
	u, err := s.User(ctx, id)
	if err != nil {
		return users.User{}, err
	}
	u.IsActive = active
	s.users[id] = u
	return u, nil
}

func (s *fakeStore) ChangePassword(ctx context.Context, id uuid.UUID, old, hash string, keep uuid.UUID) (users.User, error) {
	u, err := s.User(ctx, id)
	if err != nil {
		return users.User{}, err
	}
	if u.PasswordHash != old {
		return users.User{}, apperr.New(apperr.InvalidCredentials, "the password has been changed in the meantime")
	}
	u.PasswordHash = hash
	s.users[id] = u
	u.KeptSession = keep
	return u, nil
}

func (s *fakeStore) MarkSessionsToEnd(
	ctx context.Context, id, keep uuid.UUID, c audit.Change,
) (users.User, error) {
	if err := s.Record(ctx, c, nil); err != nil {
		return users.User{}, err
	}
	u, err := s.User(ctx, id)
	u.KeptSession = keep
	return u, err
}

func (s *fakeStore) ClearSessionsToEnd(context.Context, users.User) error { return s.err }

// Record records the outcome of an act.
func (s *fakeStore) Record(ctx context.Context, c audit.Change, failure error) error {
	e, err := audit.From(ctx).Entry(now(), c, failure)
	s.recorded = append(s.recorded, e)
	return cmp.Or(err, s.err)
}

func (s *fakeStore) SecondFactor(context.Context, uuid.UUID) (users.SecondFactor, error) {
	return s.factor, s.err
}

func (s *fakeStore) EnrolSecondFactor(_ context.Context, f users.SecondFactor) (bool, error) {
	enrolled := !s.factor.Active
	if enrolled {
		s.factor = f
	}
	return enrolled, s.err
}

func (s *fakeStore) ConfirmSecondFactor(_ context.Context, p users.FactorProof) (bool, error) {
	s.factor.Active = true
	return s.UseSecondFactor(context.Background(), p)
}

func (s *fakeStore) UseSecondFactor(_ context.Context, p users.FactorProof) (bool, error) {
	s.factor.LastStep, s.factor.VerifiedSession, s.factor.VerifiedAt = p.Step, p.Session, p.At
	return true, s.err
}

func (s *fakeStore) DisableSecondFactor(context.Context, users.FactorProof) (bool, error) {
	s.factor = users.SecondFactor{}
	return true, s.err
}

func (s *fakeStore) ResetSecondFactor(context.Context, uuid.UUID) error {
	s.factor = users.SecondFactor{}
	return s.err
}

func (s *fakeStore) AuditEntries(
	_ context.Context, f users.AuditFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[users.AuditEntry], error) {
	s.auditFilter, s.page = f, p
	e := users.AuditEntry{
		ID: uuid.MustParse(unknownID), At: now(), Service: "promotions", Actor: uuid.MustParse(staffID),
		Action: users.AuditActionUpdatePromotion, Target: uuid.MustParse(transactionID), Address: "192.0.2.1",
		Session: uuid.MustParse(sessionID), Outcome: "OK", Before: map[string]any{"title": "a"}, After: map[string]any{"title": "b"},
	}
	return keyset.Page[users.AuditEntry]{Items: []users.AuditEntry{e}, Total: 2, More: p.Before == uuid.Nil}, s.err
}

func (s *fakeStore) Transactions(
	ctx context.Context, user uuid.UUID, f users.TransactionFilter, p keyset.PageRequest[int64],
) (keyset.Page[users.Transaction], error) {
	s.transactionFilter, s.transactionPage = f, p
	if _, err := s.User(ctx, user); err != nil {
		return keyset.Page[users.Transaction]{}, err
	}
	if user != uuid.MustParse(playerID) {
		return keyset.Page[users.Transaction]{}, nil
	}
	tx := users.Transaction{
		ID: uuid.MustParse(transactionID), UserID: user, Type: users.TransactionTypeCredit, Amount: 2000, BalanceAfter: 2000,
		Description: "a gift", AdditionalData: map[string]any{"promotionId": unknownID}, CreatedAt: now(), Seq: 7,
	}
	return keyset.Page[users.Transaction]{Items: []users.Transaction{tx}, Total: 2, More: p.Before == 0}, nil
}

// fakeSessions accepts the refresh tokens cookieToken and bodyToken of the player. It records the tokens of the requests,
// the RefreshTokenIn of the last created session, and the users whose sessions were ended.
type fakeSessions struct {
	users.Sessions
	err       error // returned by all methods except Rotate
	presented []string
	in        session.RefreshTokenIn
	client    session.Client
	ended     []uuid.UUID
	kept      uuid.UUID // the last parameter of EndAllOf
}

// The refresh tokens of fakeSessions. Rotate returns nextToken in a cookie for cookieToken, and in the body for bodyToken.
const (
	cookieToken = "cookie-token"
	bodyToken   = "body-token"
	nextToken   = "next-token"
)

func (s *fakeSessions) Create(_ context.Context, created session.Session) (session.Session, string, error) {
	s.in, s.client = created.In, created.Client
	return created, cookieToken, s.err
}

func (s *fakeSessions) Rank(_ context.Context, refresh []string) ([]string, error) {
	s.presented = slices.Clone(refresh)
	return refresh, s.err
}

func (s *fakeSessions) Rotate(
	ctx context.Context, refresh string, from session.Client, issue session.Issue,
) (session.Session, session.Pair, error) {
	s.client = from
	of := session.Session{ID: uuid.MustParse(unknownID), User: uuid.MustParse(playerID), Role: authn.RolePlayer}
	switch refresh {
	case cookieToken:
		of.In = session.InCookie
	case bodyToken:
		of.In = session.InBody
	default:
		return session.Session{}, session.Pair{}, apperr.New(apperr.TokenInvalid, "the refresh token is not known")
	}
	access, err := issue(ctx, &of)
	return of, session.Pair{Access: access, Refresh: nextToken}, err
}

func (s *fakeSessions) End(_ context.Context, refresh string) (session.Session, error) {
	s.presented = append(s.presented, refresh)
	if refresh != cookieToken && refresh != bodyToken {
		return session.Session{}, apperr.New(apperr.TokenInvalid, "the refresh token is not known")
	}
	return session.Session{ID: uuid.MustParse(sessionID), User: uuid.MustParse(playerID), Role: authn.RolePlayer}, s.err
}

// EndSession ends the session sessionID of the player.
func (s *fakeSessions) EndSession(_ context.Context, user, id uuid.UUID) (bool, error) {
	return user.String() == playerID && id.String() == sessionID, s.err
}

func (s *fakeSessions) EndAllOf(_ context.Context, user, except uuid.UUID) (int, error) {
	s.ended, s.kept = append(s.ended, user), except
	return 1, s.err
}

// OfUser returns two sessions of the player. The newest one is the session of the player's access token.
func (s *fakeSessions) OfUser(_ context.Context, user uuid.UUID) ([]session.Session, error) {
	if user.String() != playerID {
		return nil, s.err
	}
	older := session.Session{
		ID: uuid.MustParse(sessionID), User: user, CreatedAt: now(), LastUsedAt: now().Add(time.Hour),
		Client: session.NewClient(netip.MustParseAddr("192.0.2.1"), "browser"),
	}
	return []session.Session{{ID: user, User: user, CreatedAt: now(), LastUsedAt: now()}, older}, s.err
}

// fakeHasher returns hashes that contain the password. It records the queues in which the hashes wait.
type fakeHasher struct{ queues []string }

func (h *fakeHasher) wait(ctx context.Context) {
	purpose, client := password.QueueOf(ctx)
	h.queues = append(h.queues, fmt.Sprintf("%d of %s", purpose, client))
}

func fakeHash(password string) string { return "hash of " + password }

func (h *fakeHasher) Hash(ctx context.Context, password string) (string, error) {
	h.wait(ctx)
	return fakeHash(password), nil
}

func (h *fakeHasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	h.wait(ctx)
	return hash == fakeHash(password), nil
}

func (*fakeHasher) Outdated(string) bool { return false }

// fakeLimiter returns err from Allow and AllowShare.
type fakeLimiter struct{ err error }

func (l *fakeLimiter) Allow(context.Context, string, ratelimit.Limit) error { return l.err }
func (l *fakeLimiter) AllowShare(context.Context, string, string, ratelimit.Limit) error {
	return l.err
}
func (*fakeLimiter) Refund(context.Context, string, ratelimit.Limit) error              { return nil }
func (*fakeLimiter) RefundShare(context.Context, string, string, ratelimit.Limit) error { return nil }
func (*fakeLimiter) ClearShare(context.Context, string, string, ratelimit.Limit) error  { return nil }

func (*fakeLimiter) Remember(context.Context, string, string, int64, time.Duration) error { return nil }
func (*fakeLimiter) Remembers(context.Context, string, string) (int64, bool, error) {
	return 0, false, nil
}

// fakeIssuer issues the same access token for every session.
type fakeIssuer struct{}

func (fakeIssuer) Issue(authn.Grant) (string, time.Time, error) {
	return "access-token", now().Add(10 * time.Minute), nil
}
