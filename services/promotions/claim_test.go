package promotions_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// drawer is a Store of one player's assignments.
type drawer struct {
	promotions.Store
	player   uuid.UUID
	assigned map[uuid.UUID]promotions.Assignment // by promotion
	keys     map[string]uuid.UUID                // the promotion that each belongs to
	lost     bool                                // the process dies before a claim is marked
}

func (d *drawer) Assignment(_ context.Context, player, promotion uuid.UUID) (promotions.Assignment, error) {
	a, ok := d.assigned[promotion]
	if !ok || player != d.player {
		return promotions.Assignment{}, apperr.New(apperr.NotFound, "there is no such promotion")
	}
	return a, nil
}

func (d *drawer) ClaimKey(_ context.Context, _ uuid.UUID, key string) (uuid.UUID, error) {
	return d.keys[key], nil
}

func (d *drawer) TakeClaimKey(_ context.Context, _ uuid.UUID, key string, promotion uuid.UUID, _ time.Time) (uuid.UUID, error) {
	if _, taken := d.keys[key]; !taken {
		d.keys[key] = promotion
	}
	return d.keys[key], nil
}

func (d *drawer) MarkClaimed(_ context.Context, id uuid.UUID, tx promotions.Transaction, name string, at time.Time) (promotions.Assignment, error) {
	if d.lost {
		return promotions.Assignment{}, apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	}
	return d.change(id, func(a *promotions.Assignment) error {
		if a.ClaimKey != "" && a.ClaimKey != name {
			return promotions.AlreadyClaimed(*a)
		}
		a.Claimed, a.ClaimedAt, a.TransactionID, a.ClaimKey = true, at, tx.ID, name
		return nil
	})
}

func (d *drawer) RepairClaimed(_ context.Context, id uuid.UUID, tx promotions.Transaction, at time.Time) error {
	_, err := d.change(id, func(a *promotions.Assignment) error {
		if !a.Claimed {
			a.Claimed, a.ClaimedAt, a.TransactionID = true, at, tx.ID
		}
		return nil
	})
	return err
}

func (d *drawer) change(id uuid.UUID, change func(*promotions.Assignment) error) (promotions.Assignment, error) {
	for promotion, a := range d.assigned {
		if a.ID == id {
			err := change(&a)
			d.assigned[promotion] = a
			return a, err
		}
	}
	return promotions.Assignment{}, apperr.New(apperr.NotFound, "there is no such assignment")
}

// bank is a LedgerClient that pays once for a key, unless it refuses.
type bank struct {
	paid   map[string]promotions.Transaction
	refuse apperr.Code
}

func (b *bank) Credit(_ context.Context, c promotions.Credit) (promotions.Transaction, error) {
	if b.refuse != "" {
		return promotions.Transaction{}, apperr.New(b.refuse, "refused")
	}
	if _, ok := b.paid[c.Key]; !ok {
		b.paid[c.Key] = promotions.Transaction{
			ID: uuid.New(), UserID: c.UserID, Type: promotions.TransactionTypeCredit, Amount: c.Amount,
		}
	}
	return b.paid[c.Key], nil
}

// counter is where a player claims: "bonus" and "other" are assigned to Anna.
type counter struct {
	*testing.T
	service *promotions.Service
	drawer  *drawer
	bank    *bank
	now     time.Time
	ids     map[string]uuid.UUID
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{
		T: t, bank: &bank{paid: map[string]promotions.Transaction{}}, ids: map[string]uuid.UUID{},
		drawer: &drawer{
			player: uuid.New(), assigned: map[uuid.UUID]promotions.Assignment{}, keys: map[string]uuid.UUID{},
		},
		now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC),
	}
	for _, name := range []string{"bonus", "other"} {
		a := assigned(from("2026-03-01"), until("2026-03-31"), func(a *promotions.Assignment) { a.UserID = c.drawer.player })
		c.ids[name], c.drawer.assigned[a.PromotionID] = a.PromotionID, a
	}
	c.service = promotions.New(c.drawer, c.bank, func() time.Time { return c.now })
	return c
}

func (c *counter) bonus() promotions.Assignment { return c.drawer.assigned[c.ids["bonus"]] }

// step is what happens at a counter.
type step func(*counter)

// claim claims a promotion under an Idempotency-Key, if it is not empty, and wants an error or the transaction that paid.
func claim(promotion, key string, want apperr.Code) step {
	return func(c *counter) {
		c.Helper()
		got, err := c.service.Claim(c.Context(), c.drawer.player, c.ids[promotion], key)
		if code := apperr.CodeOf(err); code != want {
			c.Fatalf("claiming %s under %q: %v, want %q", promotion, key, err, want)
		}
		a := c.drawer.assigned[c.ids[promotion]]
		paid := c.bank.paid[a.ID.String()].ID
		switch {
		case want == "" && (got.Transaction.ID != paid || got.Assignment.TransactionID != paid || !got.Assignment.Claimed):
			c.Errorf("%s was paid by %s, and answered with %+v", promotion, paid, got)
		case want == apperr.PromotionAlreadyClaimed && apperr.From(err).Meta["transactionId"] != paid.String():
			c.Errorf("%s was paid by %s, and refused with %v", promotion, paid, apperr.From(err).Meta)
		}
	}
}

// credited delivers the ledger's event of the bonus, twice as the bus may.
func credited(c *counter) {
	key := c.bonus().ID.String()
	for range 2 {
		if err := c.service.Credited(c.Context(), key, c.bank.paid[key]); err != nil {
			c.Fatal(err)
		}
	}
	if !c.bonus().Claimed {
		c.Error("the event of the ledger repaired nothing")
	}
}

func refuses(code apperr.Code) step { return func(c *counter) { c.bank.refuse = code } }
func losesMarks(yes bool) step      { return func(c *counter) { c.drawer.lost = yes } }
func on(date string) step           { return func(c *counter) { c.now = day(date).Time() } }
func switchOff(c *counter)          { c.bonus().Promotion.IsActive = false }
func unclaimed(c *counter) {
	if c.bonus().Claimed {
		c.Errorf("the bonus is claimed: %+v", c.bonus())
	}
}

func byAnother(c *counter) {
	_, err := c.service.Claim(c.Context(), uuid.New(), c.ids["bonus"], "")
	if apperr.CodeOf(err) != apperr.NotFound {
		c.Errorf("another player's claim: %v, want NOT_FOUND", err)
	}
}

func debited(c *counter) {
	tx := promotions.Transaction{ID: uuid.New(), UserID: c.drawer.player, Type: promotions.TransactionTypeDebit, Amount: 2000}
	if err := c.service.Credited(c.Context(), c.bonus().ID.String(), tx); err != nil {
		c.Error(err)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		story []step
		paid  int
	}{
		"once": {[]step{
			claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a refused credit leaves it unclaimed, and the key its own": {[]step{
			refuses(apperr.DependencyUnavailable), claim("bonus", "k", apperr.DependencyUnavailable), unclaimed,
			refuses(""), claim("other", "k", apperr.IdempotencyMismatch), claim("bonus", "k", ""),
		}, 1},
		"a key that named nothing that could be claimed is free": {[]step{
			on("2026-02-28"), claim("bonus", "k", apperr.PromotionNotStarted), on("2026-03-01"), claim("other", "k", ""),
		}, 1},
		"a lost mark is made good by the next claim": {[]step{
			losesMarks(true), claim("bonus", "", apperr.DependencyUnavailable), unclaimed,
			losesMarks(false), claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a lost mark is repaired by the ledger's event, and the next claim answered": {[]step{
			losesMarks(true), claim("bonus", "", apperr.DependencyUnavailable),
			losesMarks(false), credited, claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"what was repaired is answered whatever became of the promotion": {[]step{
			losesMarks(true), claim("bonus", "", apperr.DependencyUnavailable),
			losesMarks(false), credited, switchOff, on("2027-01-01"), claim("bonus", "k", ""), claim("bonus", "k", ""),
		}, 1},
		"an event after the mark changes nothing": {[]step{
			claim("bonus", "k", ""), credited, claim("bonus", "k", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the same key is answered again": {[]step{
			claim("bonus", "k", ""), claim("bonus", "k", ""), claim("bonus", "l", apperr.PromotionAlreadyClaimed),
		}, 1},
		"another promotion under the key": {[]step{
			claim("bonus", "k", ""), claim("other", "k", apperr.IdempotencyMismatch), claim("other", "l", ""),
		}, 2},
		"on the last day":          {[]step{on("2026-03-31"), claim("bonus", "", "")}, 1},
		"over":                     {[]step{on("2026-04-01"), claim("bonus", "", apperr.PromotionExpired), unclaimed}, 0},
		"not begun":                {[]step{on("2026-02-28"), claim("bonus", "", apperr.PromotionNotStarted), unclaimed}, 0},
		"switched off":             {[]step{switchOff, claim("bonus", "", apperr.PromotionNotActive), unclaimed}, 0},
		"another player's":         {[]step{byAnother, unclaimed}, 0},
		"a debit repairs nothing":  {[]step{debited, unclaimed}, 0},
		"an unknown one":           {[]step{claim("none", "", apperr.NotFound)}, 0},
		"an unknown one, by a key": {[]step{claim("none", "k", apperr.NotFound), claim("bonus", "k", "")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter(t)
			for _, happens := range tt.story {
				happens(c)
			}
			if len(c.bank.paid) != tt.paid {
				t.Errorf("%d were paid, want %d", len(c.bank.paid), tt.paid)
			}
		})
	}
}
