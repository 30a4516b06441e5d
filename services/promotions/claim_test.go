package promotions_test

import (
	"context"
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
	assignments map[uuid.UUID]promotions.Assignment // by promotion
	keys        map[string]uuid.UUID                // the promotion that each Idempotency-Key is reserved for
	failMark    bool                                // MarkClaimed fails, as if the process had died before the call
}

func (s *fakeStore) Assignment(_ context.Context, player, promotion uuid.UUID) (promotions.Assignment, error) {
	a, ok := s.assignments[promotion]
	if !ok || player != s.player {
		return promotions.Assignment{}, apperr.New(apperr.NotFound, "promotion not found")
	}
	return a, nil
}

func (s *fakeStore) ClaimKey(_ context.Context, _ uuid.UUID, key string) (uuid.UUID, error) {
	return s.keys[key], nil
}

func (s *fakeStore) ReserveClaimKey(_ context.Context, _ uuid.UUID, key string, promotion uuid.UUID, _ time.Time) (uuid.UUID, error) {
	if _, reserved := s.keys[key]; !reserved {
		s.keys[key] = promotion
	}
	return s.keys[key], nil
}

func (s *fakeStore) MarkClaimed(_ context.Context, id uuid.UUID, tx promotions.Transaction, claimID string, at time.Time) (promotions.Assignment, error) {
	if s.failMark {
		return promotions.Assignment{}, apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	}
	return s.change(id, func(a *promotions.Assignment) error {
		if a.ClaimID != "" && a.ClaimID != claimID {
			return promotions.AlreadyClaimed(*a)
		}
		a.Claimed, a.ClaimedAt, a.TransactionID, a.ClaimID = true, at, tx.ID, claimID
		return nil
	})
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
	paid map[string]promotions.Transaction
	fail apperr.Code
}

func (l *fakeLedger) Credit(_ context.Context, c promotions.Credit) (promotions.Transaction, error) {
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

func (l *fakeLedger) Transaction(_ context.Context, _ uuid.UUID, key string) (promotions.Transaction, error) {
	tx, ok := l.paid[key]
	if !ok {
		return promotions.Transaction{}, apperr.New(apperr.NotFound, "transaction not found")
	}
	return tx, nil
}

// claimTest is a service with one player who has the promotions "bonus" and "other".
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

func TestClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps []step
		paid  int
	}{
		"two claims": {[]step{
			claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a failed credit leaves the assignment unclaimed and the key reserved": {[]step{
			ledgerFails(apperr.DependencyUnavailable), claim("bonus", "k", apperr.DependencyUnavailable), checkUnclaimed,
			ledgerFails(""), claim("other", "k", apperr.IdempotencyMismatch), claim("bonus", "k", ""),
		}, 1},
		"a refused claim does not reserve the key": {[]step{
			on("2026-02-28"), claim("bonus", "k", apperr.PromotionNotStarted), on("2026-03-01"), claim("other", "k", ""),
		}, 1},
		"the next claim repeats a failed MarkClaimed": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable), checkUnclaimed,
			markFails(false), claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the ledger's event repairs a failed MarkClaimed": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable),
			markFails(false), deliverCredit, claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a repaired claim succeeds after deactivation and expiry": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable),
			markFails(false), deliverCredit, deactivate, on("2027-01-01"), claim("bonus", "k", ""), claim("bonus", "k", ""),
		}, 1},
		"an event after MarkClaimed changes nothing": {[]step{
			claim("bonus", "k", ""), deliverCredit, claim("bonus", "k", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the same key": {[]step{
			claim("bonus", "k", ""), claim("bonus", "k", ""), claim("bonus", "l", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the same key with another promotion": {[]step{
			claim("bonus", "k", ""), claim("other", "k", apperr.IdempotencyMismatch), claim("other", "l", ""),
		}, 2},
		"last day":                         {[]step{on("2026-03-31"), claim("bonus", "", "")}, 1},
		"expired":                          {[]step{on("2026-04-01"), claim("bonus", "", apperr.PromotionExpired), checkUnclaimed}, 0},
		"not started":                      {[]step{on("2026-02-28"), claim("bonus", "", apperr.PromotionNotStarted), checkUnclaimed}, 0},
		"deactivated":                      {[]step{deactivate, claim("bonus", "", apperr.PromotionNotActive), checkUnclaimed}, 0},
		"assigned to another player":       {[]step{claimByAnotherPlayer, checkUnclaimed}, 0},
		"a debit does not mark as claimed": {[]step{deliverDebit, checkUnclaimed}, 0},
		"unknown promotion":                {[]step{claim("none", "", apperr.NotFound)}, 0},
		"unknown promotion with a key":     {[]step{claim("none", "k", apperr.NotFound), claim("bonus", "k", "")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClaimTest(t)
			for _, run := range tt.steps {
				run(c)
			}
			if len(c.ledger.paid) != tt.paid {
				t.Errorf("the ledger paid %d credits, want %d", len(c.ledger.paid), tt.paid)
			}
		})
	}
}

// refusals counts claims that were refused.
type refusals struct{ count int }

func (*refusals) Paid()                 {}
func (r *refusals) Refused(apperr.Code) { r.count++ }

// TestPlayersWhoGiveUpAreNotRefused cancels claims, as a player can at will. They must not count as claims that the platform
// has refused.
func TestPlayersWhoGiveUpAreNotRefused(t *testing.T) {
	c := newClaimTest(t)
	counted := &refusals{}
	c.service.ObserveClaims(counted)
	c.ledger.fail = apperr.DependencyUnavailable
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context //nolint:containedctx // the input of the test
		want int
	}{{canceled, 0}, {t.Context(), 1}} {
		_, err := c.service.Claim(tt.ctx, c.store.player, c.ids["bonus"], "")
		if apperr.CodeOf(err) != apperr.DependencyUnavailable || counted.count != tt.want {
			t.Errorf("%d refusals are counted after %v, want %d", counted.count, err, tt.want)
		}
	}
}
