package promotions_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestDecideAboutCodes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	promotion := func(status promotions.Status, start, end string) *promotions.Promotion {
		p := inStatus(status, start, end)
		return &p
	}
	const published = promotions.StatusPublished
	active := promotion(published, "2026-03-01", "2026-03-31")
	exhausted := promotion(published, "2026-03-01", "2026-03-31")
	exhausted.Limits.MaxClaims, exhausted.Usage.Claimed = 1, 1
	today := promotion(published, "2026-03-01", "2026-03-31")
	today.Limits.MaxClaimsPerDay, today.Usage.Claimed = 1, 1
	held := func(change func(*promotions.Assignment)) *promotions.Assignment {
		a := assigned(change)
		return &a
	}
	open, paid := held(func(*promotions.Assignment) {}), held(claimed)
	revoked := held(func(a *promotions.Assignment) { a.RevokedAt = now })
	expired := held(func(a *promotions.Assignment) { a.ExpiresAt = now })
	known, inactive := promotions.Redeeming{Known: true, Active: true}, promotions.Redeeming{Known: true}
	restricted, unknown := promotions.Redeeming{Known: true, Active: true, Restricted: true}, promotions.Redeeming{}
	for name, tt := range map[string]struct {
		player     promotions.Redeeming
		promotion  *promotions.Promotion
		assignment *promotions.Assignment
		assign     bool
		want       apperr.Code
	}{
		"available":                     {known, active, nil, true, ""},
		"limit of today used up":        {known, today, nil, true, ""},
		"unknown code":                  {known, nil, nil, false, apperr.NotFound},
		"draft":                         {known, promotion(promotions.StatusDraft, "2026-03-01", "2026-03-31"), nil, false, apperr.NotFound},
		"paused":                        {known, promotion(promotions.StatusPaused, "2026-03-01", "2026-03-31"), nil, false, apperr.NotFound},
		"not started":                   {known, promotion(published, "2026-03-11", "2026-03-31"), nil, false, apperr.NotFound},
		"ended":                         {known, promotion(published, "2026-03-01", "2026-03-09"), nil, false, apperr.NotFound},
		"used up":                       {known, exhausted, nil, false, apperr.NotFound},
		"used up, held":                 {known, exhausted, open, false, ""},
		"held":                          {known, active, open, false, ""},
		"claimed":                       {known, active, paid, false, ""},
		"revoked":                       {known, active, revoked, false, apperr.AssignmentRevoked},
		"expired":                       {known, active, expired, false, apperr.AssignmentExpired},
		"revoked and paused":            {known, promotion(promotions.StatusPaused, "2026-03-01", "2026-03-31"), revoked, false, apperr.NotFound},
		"held, ended":                   {known, promotion(published, "2026-03-01", "2026-03-09"), open, false, apperr.NotFound},
		"unknown player":                {unknown, active, nil, false, apperr.DependencyUnavailable},
		"unknown player, wrong code":    {unknown, nil, nil, false, apperr.DependencyUnavailable},
		"restricted player":             {restricted, active, nil, false, apperr.PlayerRestricted},
		"restricted player, held":       {restricted, active, open, false, apperr.PlayerRestricted},
		"restricted player, revoked":    {restricted, active, revoked, false, apperr.PlayerRestricted},
		"restricted player, wrong code": {restricted, nil, nil, false, apperr.NotFound},
		"inactive player":               {inactive, active, nil, false, apperr.AccountDeactivated},
		"inactive player, wrong code":   {inactive, nil, nil, false, apperr.AccountDeactivated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tt.player
			r.At, r.Promotion, r.Assignment = now, tt.promotion, tt.assignment
			assign, err := r.Decide()
			if assign != tt.assign || apperr.CodeOf(err) != tt.want {
				t.Errorf("got %t, %v, want %t and code %q", assign, err, tt.assign, tt.want)
			}
		})
	}
}

// TestWrongCodesLookAlike compares the errors of all codes that cannot be redeemed.
func TestWrongCodesLookAlike(t *testing.T) {
	t.Parallel()
	_, unknown := promotions.Redeeming{Known: true, Active: true}.Decide()
	draft := inStatus(promotions.StatusDraft, "2026-03-01", "2026-03-31")
	draft.ID = uuid.New()
	if _, err := (promotions.Redeeming{Known: true, Active: true, Promotion: &draft}).Decide(); err.Error() != unknown.Error() {
		t.Errorf("a draft: got %q, want %q as for an unknown code", err, unknown)
	}
}

// codeStore is a fake store with one code.
type codeStore struct {
	promotions.Store
	asked int
	err   error
}

func (s *codeStore) UnknownPlayers(context.Context, []uuid.UUID) ([]uuid.UUID, error) {
	return nil, nil
}

func (s *codeStore) Redeem(_ context.Context, r promotions.RedeemParams) (promotions.Redeemed, error) {
	s.asked++
	if r.Code != "SPRING-24" {
		return promotions.Redeemed{}, apperr.New(apperr.NotFound, "no promotion has the code")
	}
	return promotions.Redeemed{Created: true}, s.err
}

// fakeLimiter counts the events of each key, without a period.
type fakeLimiter map[string]int

func (l fakeLimiter) Allow(_ context.Context, key string, limit ratelimit.Limit) error {
	if l[key] == limit.N {
		return apperr.New(apperr.RateLimited, "too many attempts")
	}
	l[key]++
	return nil
}

func (l fakeLimiter) Refund(_ context.Context, key string, _ ratelimit.Limit) error {
	l[key]--
	return nil
}

func TestRedeemLimitsWrongCodes(t *testing.T) {
	t.Parallel()
	store, limiter, player := &codeStore{}, fakeLimiter{}, uuid.New()
	s := promotions.New(store, nil, time.Now)
	s.LimitCodes(limiter)
	redeem := func(player uuid.UUID, code string, want apperr.Code) {
		t.Helper()
		if _, err := s.Redeem(t.Context(), player, code); apperr.CodeOf(err) != want {
			t.Errorf("%q: got %v, want code %q", code, err, want)
		}
	}
	for range 20 {
		redeem(player, "spring-24", "") // a right code does not count
	}
	for _, code := range []apperr.Code{apperr.AssignmentRevoked, apperr.DependencyUnavailable} {
		store.err = apperr.New(code, "not now")
		redeem(player, "SPRING-24", code)
	}
	store.err = nil
	asked := store.asked
	malformed := []string{"", "ABC", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456", "NO SPACE", "ÜBER", "UNDER_SCORE", "ſpring-24"}
	for _, code := range malformed {
		redeem(player, code, apperr.ValidationFailed)
	}
	if store.asked != asked {
		t.Errorf("the store looked up %d malformed codes", store.asked-asked)
	}
	for range promotions.WrongCodes().N - len(malformed) {
		redeem(player, "WRONG", apperr.NotFound)
	}
	asked = store.asked
	for _, code := range []string{"WRONG", "SPRING-24", "!"} {
		redeem(player, code, apperr.RateLimited)
	}
	if store.asked != asked {
		t.Errorf("the store looked up %d codes beyond the limit", store.asked-asked)
	}
	redeem(uuid.New(), "SPRING-24", "") // another player has another limit
}

// TestRedeemRefundsWithoutTheClient redeems a code for a client that has disconnected.
func TestRedeemRefundsWithoutTheClient(t *testing.T) {
	t.Parallel()
	limiter, player := fakeLimiter{}, uuid.New()
	s := promotions.New(&codeStore{err: context.Canceled}, nil, time.Now)
	s.LimitCodes(limiter)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Redeem(ctx, player, "SPRING-24"); err == nil {
		t.Error("got no error of a cancelled call")
	}
	for key, n := range limiter {
		if n != 0 {
			t.Errorf("%s: %d wrong codes are counted, want 0", key, n)
		}
	}
}
