package promotions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

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
		"the next claim repeats a failed ConfirmClaim": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable), checkUnclaimed,
			markFails(false), claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the ledger's event repairs a failed ConfirmClaim": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable),
			markFails(false), deliverCredit, claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a repaired claim succeeds after deactivation and expiry": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable),
			markFails(false), deliverCredit, deactivate, on("2027-01-01"), claim("bonus", "k", ""), claim("bonus", "k", ""),
		}, 1},
		"an event after ConfirmClaim changes nothing": {[]step{
			claim("bonus", "k", ""), deliverCredit, claim("bonus", "k", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the same key": {[]step{
			claim("bonus", "k", ""), claim("bonus", "k", ""), claim("bonus", "l", apperr.PromotionAlreadyClaimed),
		}, 1},
		"the same key with another promotion": {[]step{
			claim("bonus", "k", ""), claim("other", "k", apperr.IdempotencyMismatch), claim("other", "l", ""),
		}, 2},
		"a dead claim that was paid is settled as claimed": {[]step{
			markFails(true), claim("bonus", "", apperr.DependencyUnavailable), markFails(false), checkReserved(true),
			settle, checkReserved(true), later(16 * time.Second), settle, checkReserved(false), checkClaimed,
			claim("bonus", "", ""), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"a dead claim that was not paid is released": {[]step{
			ledgerFails(apperr.DependencyUnavailable), claim("bonus", "", apperr.DependencyUnavailable), later(16 * time.Second),
			settle, checkReserved(true), ledgerFails(""), settle, checkReserved(false), checkUnclaimed,
		}, 0},
		"a refusal of the ledger releases the reservation": {[]step{
			ledgerFails(apperr.AccountDeactivated), claim("bonus", "", apperr.AccountDeactivated), checkReserved(false),
		}, 0},
		"a refusal of the ledger does not release a reservation whose other claim may be paid": {[]step{
			ledgerFails(apperr.DependencyUnavailable), claim("bonus", "", apperr.DependencyUnavailable),
			ledgerFails(apperr.AccountDeactivated), claim("bonus", "", apperr.AccountDeactivated), checkReserved(true),
		}, 0},
		"restricted": {[]step{
			restricted(true), claim("bonus", "k", apperr.PlayerRestricted), checkReserved(false), checkUnclaimed,
			restricted(false), claim("other", "k", ""), claim("bonus", "", ""),
		}, 2},
		"restricted, with another promotion's key": {[]step{
			claim("other", "k", ""), restricted(true), claim("bonus", "k", apperr.IdempotencyMismatch),
		}, 1},
		"restricted, unknown promotion": {[]step{restricted(true), claim("none", "", apperr.NotFound)}, 0},
		"restricted and revoked":        {[]step{restricted(true), revoke, claim("bonus", "", apperr.PlayerRestricted)}, 0},
		"restricted after the claim": {[]step{
			claim("bonus", "k", ""), restricted(true), claim("bonus", "k", ""), claim("bonus", "", apperr.PlayerRestricted),
			restricted(false), claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"restricted while a claim is paid": {[]step{
			markFails(true), claim("bonus", "k", apperr.DependencyUnavailable), markFails(false), restricted(true),
			claim("bonus", "k", apperr.PlayerRestricted), deliverCredit, claim("bonus", "k", ""),
			claim("bonus", "", apperr.PlayerRestricted),
		}, 1},
		"the ledger knows a restriction first": {[]step{
			ledgerFails(apperr.PlayerRestricted), claim("bonus", "", apperr.PlayerRestricted), checkReserved(false), checkRefused(1),
			claim("bonus", "", apperr.PlayerRestricted), checkRefused(2),
		}, 0},
		"no refusal of the ledger without a record": {[]step{
			ledgerFails(apperr.PlayerRestricted), recordFails, claim("bonus", "", apperr.DependencyUnavailable), checkRefused(0),
		}, 0},
		"other refusals are not recorded": {[]step{
			ledgerFails(apperr.AccountDeactivated), claim("bonus", "", apperr.AccountDeactivated), checkRefused(0),
		}, 0},
		"revoked": {[]step{revoke, claim("bonus", "", apperr.AssignmentRevoked), checkUnclaimed}, 0},
		"revoked and expired": {[]step{
			revoke, expiresAt(-time.Hour), claim("bonus", "", apperr.AssignmentRevoked),
		}, 0},
		"expired before it was claimed": {[]step{expiresAt(0), claim("bonus", "", apperr.AssignmentExpired), checkUnclaimed}, 0},
		"expired and the promotion has ended": {[]step{
			expiresAt(0), on("2026-04-01"), claim("bonus", "", apperr.AssignmentExpired),
		}, 0},
		"not expired yet": {[]step{expiresAt(time.Microsecond), claim("bonus", "", "")}, 1},
		"expired after it was claimed": {[]step{
			expiresAt(time.Hour), claim("bonus", "k", ""), later(2 * time.Hour), claim("bonus", "k", ""),
			claim("bonus", "", apperr.PromotionAlreadyClaimed),
		}, 1},
		"all claims used": {[]step{
			limits(promotions.PromotionLimits{MaxClaims: 7}, promotions.ClaimTotals{Claims: 7}), exhausted("maxClaims", ""),
		}, 0},
		"the last claim": {[]step{
			limits(promotions.PromotionLimits{MaxClaims: 7}, promotions.ClaimTotals{Claims: 6}), claim("bonus", "", ""),
		}, 1},
		"a budget that is too small by a cent": {[]step{
			limits(promotions.PromotionLimits{Budget: 5000}, promotions.ClaimTotals{Amount: 3001}), exhausted("budget", ""),
		}, 0},
		"a budget that just suffices": {[]step{
			limits(promotions.PromotionLimits{Budget: 5000}, promotions.ClaimTotals{Amount: 3000}), claim("bonus", "", ""),
		}, 1},
		"all claims of the day used": {[]step{
			limits(promotions.PromotionLimits{MaxClaimsPerDay: 2}, promotions.ClaimTotals{Claims: 9, Today: 2}),
			exhausted("maxClaimsPerDay", "2026-03-11T00:00:00Z"),
		}, 0},
		"several limits used up": {[]step{
			limits(promotions.PromotionLimits{MaxClaims: 1, Budget: 1, MaxClaimsPerDay: 1},
				promotions.ClaimTotals{Claims: 1, Amount: 1, Today: 1}),
			exhausted("maxClaims", ""),
		}, 0},
		"not active and used up": {[]step{
			limits(promotions.PromotionLimits{MaxClaims: 1}, promotions.ClaimTotals{Claims: 1}), deactivate,
			claim("bonus", "", apperr.PromotionNotActive),
		}, 0},
		"a reserved claim holds its unit": {[]step{
			limits(promotions.PromotionLimits{MaxClaims: 1}, promotions.ClaimTotals{}),
			ledgerFails(apperr.DependencyUnavailable), claim("bonus", "", apperr.DependencyUnavailable), ledgerFails(""),
			limits(promotions.PromotionLimits{MaxClaims: 1}, promotions.ClaimTotals{Claims: 1}), claim("bonus", "", ""),
		}, 1},
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
	c.ledger.before = cancel
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

// TestReservedClaimsEndWithoutTheClient cancels claims before the reservation, and while they are paid or refused.
func TestReservedClaimsEndWithoutTheClient(t *testing.T) {
	for _, refused := range []apperr.Code{apperr.AccountDeactivated, ""} {
		c := newClaimTest(t)
		c.ledger.fail = refused
		ctx, cancel := context.WithCancel(t.Context())
		c.ledger.before = cancel
		_, err := c.service.Claim(ctx, c.store.player, c.ids["bonus"], "k")
		if apperr.CodeOf(err) != refused || c.bonus().Claimed != (refused == "") || len(c.store.reserved) > 0 {
			t.Errorf("got %v and %+v with %d reservations, want %q and none", err, c.bonus(), len(c.store.reserved), refused)
		}
		_, err = c.service.Claim(ctx, c.store.player, c.ids["other"], "l")
		if !errors.Is(err, context.Canceled) || len(c.store.reserved) > 0 || c.store.keys["l"] != uuid.Nil {
			t.Errorf("a claim that is cancelled before it is reserved: got %v and %v", err, c.store.keys)
		}
	}
}
