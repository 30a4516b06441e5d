package promotions_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// fakeStore is a Store with the assignments of one player.
type fakeStore struct {
	promotions.Store
	promotions.MonitorStore
	player      uuid.UUID
	assignments map[uuid.UUID]promotions.Assignment  // by promotion
	keys        map[string]uuid.UUID                 // the promotion that each Idempotency-Key is reserved for
	reserved    map[uuid.UUID]promotions.Reservation // by assignment
	sharing     int                                  // the claims that share the reservation of the bonus
	totals      promotions.ClaimTotals               // of every promotion
	restricted  bool                                 // the player is restricted
	refusals    []promotions.Refusal                 // recorded by the service; ReserveClaim records none
	failRecord  bool                                 // RecordRefusal fails
	failMark    bool                                 // ConfirmClaim fails, as if the process had died before the call
}

func (s *fakeStore) ReserveClaim(_ context.Context, p promotions.ClaimParams) (promotions.Reservation, error) {
	claiming := promotions.Claiming{ClaimParams: p, KeyPromotion: s.keys[p.Key], Totals: s.totals, Restricted: s.restricted}
	if a, ok := s.assignments[p.Promotion]; ok && p.Player == s.player {
		claiming.Assignment = &a
		_, claiming.Reserved = s.reserved[a.ID]
	}
	reserve, err := claiming.Decide()
	if err != nil {
		return promotions.Reservation{}, err
	}
	if p.Key != "" {
		s.keys[p.Key] = p.Promotion
	}
	r := promotions.Reservation{Assignment: *claiming.Assignment}
	if !reserve {
		return r, nil
	}
	if !claiming.Reserved {
		r.ReservedAt, r.NotAfter, s.sharing = p.At, p.NotAfter, 0
		s.reserved[r.Assignment.ID] = r
	}
	s.sharing++
	return s.reserved[r.Assignment.ID], nil
}

func (s *fakeStore) ConfirmClaim(
	_ context.Context, a promotions.Assignment, tx promotions.Transaction, claimID string, at time.Time,
) (promotions.Assignment, error) {
	if s.failMark {
		return promotions.Assignment{}, apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	}
	delete(s.reserved, a.ID)
	return s.change(a.ID, func(a *promotions.Assignment) error {
		if a.ClaimID != "" && a.ClaimID != claimID {
			return promotions.AlreadyClaimed(*a)
		}
		a.Claimed, a.ClaimedAt, a.TransactionID, a.ClaimID = true, at, tx.ID, claimID
		return nil
	})
}

func (s *fakeStore) ReleaseClaim(ctx context.Context, r promotions.Reservation) error {
	if s.sharing--; s.sharing > 0 {
		return nil
	}
	return s.SettleUnpaid(ctx, r)
}

func (s *fakeStore) SettleUnpaid(_ context.Context, r promotions.Reservation) error {
	if s.reserved[r.Assignment.ID].ReservedAt.Equal(r.ReservedAt) {
		delete(s.reserved, r.Assignment.ID)
		maps.DeleteFunc(s.keys, func(_ string, p uuid.UUID) bool { return p == r.Assignment.PromotionID })
	}
	return nil
}

func (s *fakeStore) RecordRefusal(ctx context.Context, r promotions.Refusal) error {
	if s.failRecord || ctx.Err() != nil {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	}
	s.refusals = append(s.refusals, r)
	return nil
}

func (s *fakeStore) OverdueReservations(_ context.Context, now time.Time, _ int) ([]promotions.Reservation, error) {
	var overdue []promotions.Reservation
	for _, a := range s.assignments {
		if r, ok := s.reserved[a.ID]; ok && r.NotAfter.Before(now) {
			overdue = append(overdue, r)
		}
	}
	return overdue, nil
}

// RecordEntry marks the entry's assignment as claimed.
func (s *fakeStore) RecordEntry(_ context.Context, r promotions.RecordParams) (promotions.Recorded, error) {
	a, err := s.change(r.Assignment, func(a *promotions.Assignment) error {
		if !a.Claimed {
			a.Claimed, a.ClaimedAt, a.TransactionID = true, r.ClaimedAt, r.Transaction.ID
		}
		return nil
	})
	if err != nil {
		return promotions.Recorded{}, nil //nolint:nilerr // no assignment has the key
	}
	return promotions.Recorded{Assignment: &promotions.PaidAssignment{
		UserID: a.UserID, Amount: a.Amount, TransactionID: a.TransactionID,
	}}, nil
}

func (s *fakeStore) change(id uuid.UUID, change func(*promotions.Assignment) error) (promotions.Assignment, error) {
	for promotion, a := range s.assignments {
		if a.ID == id {
			err := change(&a)
			s.assignments[promotion] = a
			return a, err
		}
	}
	return promotions.Assignment{}, apperr.New(apperr.NotFound, "assignment not found")
}

// fakeLedger is a LedgerClient that pays each key once, or fails with a code.
type fakeLedger struct {
	paid   map[string]promotions.Transaction
	fail   apperr.Code
	before func() // called by Credit, if it is not nil
}

func (l *fakeLedger) Credit(ctx context.Context, c promotions.Credit) (promotions.Transaction, error) {
	if l.before != nil {
		l.before()
	}
	if err := ctx.Err(); err != nil {
		return promotions.Transaction{}, err
	}
	if l.fail != "" {
		return promotions.Transaction{}, apperr.New(l.fail, "refused")
	}
	if _, ok := l.paid[c.Key]; !ok {
		l.paid[c.Key] = promotions.Transaction{
			ID: uuid.New(), UserID: c.UserID, Type: promotions.TransactionTypeCredit, Amount: c.Amount,
		}
	}
	return l.paid[c.Key], nil
}

func (l *fakeLedger) Settled(ctx context.Context, player uuid.UUID, key string, _ time.Time) (promotions.Transaction, error) {
	if l.fail == apperr.DependencyUnavailable {
		return promotions.Transaction{}, apperr.New(l.fail, "the ledger cannot be reached")
	}
	return l.Transaction(ctx, player, key)
}

func (l *fakeLedger) Transaction(_ context.Context, _ uuid.UUID, key string) (promotions.Transaction, error) {
	tx, ok := l.paid[key]
	if !ok {
		return promotions.Transaction{}, apperr.New(apperr.NotFound, "transaction not found")
	}
	return tx, nil
}

// claimTest holds a service, and one player to whom the promotions "bonus" and "other" are assigned.
type claimTest struct {
	*testing.T
	service *promotions.Service
	monitor *promotions.Monitor
	store   *fakeStore
	ledger  *fakeLedger
	now     time.Time
	ids     map[string]uuid.UUID
}

func newClaimTest(t *testing.T) *claimTest {
	t.Helper()
	c := &claimTest{
		T: t, ledger: &fakeLedger{paid: map[string]promotions.Transaction{}}, ids: map[string]uuid.UUID{},
		store: &fakeStore{
			player: uuid.New(), assignments: map[uuid.UUID]promotions.Assignment{}, keys: map[string]uuid.UUID{},
			reserved: map[uuid.UUID]promotions.Reservation{},
		},
		now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC),
	}
	for _, name := range []string{"bonus", "other"} {
		a := assigned(from("2026-03-01"), until("2026-03-31"), func(a *promotions.Assignment) { a.UserID = c.store.player })
		c.ids[name], c.store.assignments[a.PromotionID] = a.PromotionID, a
	}
	now := func() time.Time { return c.now }
	c.service = promotions.New(c.store, c.ledger, now)
	c.monitor = promotions.NewMonitor(c.store, c.ledger, promotions.DefaultAnomalyRules(), nil, now)
	return c
}

func (c *claimTest) bonus() promotions.Assignment { return c.store.assignments[c.ids["bonus"]] }

// step is one step of a test case.
type step func(*claimTest)

// claim returns a step that claims a promotion. If key is not empty, the step sends it as the Idempotency-Key. The step
// checks that the error code is want, or the transaction if want is empty.
func claim(promotion, key string, want apperr.Code) step {
	return func(c *claimTest) {
		c.Helper()
		got, err := c.service.Claim(c.Context(), c.store.player, c.ids[promotion], key)
		if code := apperr.CodeOf(err); code != want {
			c.Fatalf("claim %s with key %q: got %v, want code %q", promotion, key, err, want)
		}
		a := c.store.assignments[c.ids[promotion]]
		paid := c.ledger.paid[a.ID.String()].ID
		switch {
		case want == "" && (got.Transaction.ID != paid || got.Assignment.TransactionID != paid || !got.Assignment.Claimed):
			c.Errorf("claim %s: got %+v, want transaction %s", promotion, got, paid)
		case want == apperr.PromotionAlreadyClaimed && apperr.From(err).Meta["transactionId"] != paid.String():
			c.Errorf("claim %s: got error with %v, want transaction %s", promotion, apperr.From(err).Meta, paid)
		}
	}
}

// deliverCredit delivers the ledger's event for the bonus twice.
func deliverCredit(c *claimTest) {
	key := c.bonus().ID.String()
	for range 2 {
		if err := c.monitor.TransactionAdded(c.Context(), promotions.Entry{Key: key, Transaction: c.ledger.paid[key]}); err != nil {
			c.Fatal(err)
		}
	}
	if !c.bonus().Claimed {
		c.Error("the bonus is not claimed after the ledger's event")
	}
}

func ledgerFails(code apperr.Code) step { return func(c *claimTest) { c.ledger.fail = code } }
func markFails(yes bool) step           { return func(c *claimTest) { c.store.failMark = yes } }
func on(date string) step               { return func(c *claimTest) { c.now = day(date).Time() } }
func deactivate(c *claimTest)           { c.bonus().Promotion.IsActive = false }
func checkUnclaimed(c *claimTest) {
	if c.bonus().Claimed {
		c.Errorf("got claimed bonus %+v, want it unclaimed", c.bonus())
	}
}

func checkClaimed(c *claimTest) {
	if !c.bonus().Claimed {
		c.Errorf("got unclaimed bonus %+v, want it claimed", c.bonus())
	}
}

// changeBonus returns a step that changes the stored assignment of the bonus.
func changeBonus(change func(c *claimTest, a *promotions.Assignment)) step {
	return func(c *claimTest) {
		a := c.bonus()
		change(c, &a)
		c.store.assignments[a.PromotionID] = a
	}
}

func revoke(c *claimTest) {
	changeBonus(func(c *claimTest, a *promotions.Assignment) { a.RevokedAt = c.now })(c)
}

func expiresAt(left time.Duration) step {
	return changeBonus(func(c *claimTest, a *promotions.Assignment) { a.ExpiresAt = c.now.Add(left) })
}

func limits(l promotions.PromotionLimits, t promotions.ClaimTotals) step {
	return func(c *claimTest) { c.bonus().Promotion.Limits, c.store.totals = l, t }
}

func later(d time.Duration) step { return func(c *claimTest) { c.now = c.now.Add(d) } }

func settle(c *claimTest) {
	if err := c.service.SettleClaims(c.Context()); (err != nil) != (c.ledger.fail != "" && len(c.store.reserved) > 0) {
		c.Errorf("settling the claims: got %v", err)
	}
}

func checkReserved(want bool) step {
	return func(c *claimTest) {
		c.Helper()
		if _, got := c.store.reserved[c.bonus().ID]; got != want {
			c.Errorf("the bonus is reserved: %v, want %v", got, want)
		}
	}
}

// exhausted returns a step that claims the bonus and checks the error.
func exhausted(limit, retryAt string) step {
	return func(c *claimTest) {
		c.Helper()
		_, err := c.service.Claim(c.Context(), c.store.player, c.ids["bonus"], "")
		meta := apperr.From(err).Meta
		if apperr.CodeOf(err) != apperr.PromotionExhausted || meta["limit"] != limit || meta["retryAt"] != retryAt {
			c.Errorf("got %v with %v, want %s of %s with retryAt %q", err, meta, apperr.PromotionExhausted, limit, retryAt)
		}
	}
}

func claimByAnotherPlayer(c *claimTest) {
	_, err := c.service.Claim(c.Context(), uuid.New(), c.ids["bonus"], "")
	if apperr.CodeOf(err) != apperr.NotFound {
		c.Errorf("claim by another player: got %v, want NOT_FOUND", err)
	}
}

func deliverDebit(c *claimTest) {
	tx := promotions.Transaction{ID: uuid.New(), UserID: c.store.player, Type: promotions.TransactionTypeDebit, Amount: 2000}
	if err := c.monitor.TransactionAdded(c.Context(), promotions.Entry{Key: c.bonus().ID.String(), Transaction: tx}); err != nil {
		c.Error(err)
	}
}

func restricted(yes bool) step { return func(c *claimTest) { c.store.restricted = yes } }
func recordFails(c *claimTest) { c.store.failRecord = true }

// checkRefused checks that the service has recorded n refusals of the bonus by the ledger.
func checkRefused(n int) step {
	return func(c *claimTest) {
		c.Helper()
		want := promotions.Refusal{
			UserID: c.store.player, PromotionID: c.ids["bonus"], Action: promotions.RefusalActionClaim, CreatedAt: c.now,
		}
		for _, got := range c.store.refusals {
			if got != want {
				c.Errorf("recorded %+v, want %+v", got, want)
			}
		}
		if len(c.store.refusals) != n {
			c.Errorf("recorded %d refusals, want %d", len(c.store.refusals), n)
		}
	}
}
