package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// coded returns a new promotion with a code.
func (f fixture) coded(code string) limitedPromotion {
	f.Helper()
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	return limitedPromotion{Promotion: f.update(p.ID, func(p *promotions.Promotion) { p.Code = code })}
}

// redeem redeems a code and checks the code of the error, and whether it has created an assignment.
func (f fixture) redeem(player uuid.UUID, code string, created bool, want apperr.Code) promotions.Assignment {
	f.Helper()
	got, err := f.service.Redeem(f.Context(), player, code)
	f.wantCode(err, want)
	if got.Created != created {
		f.Errorf("%s: created is %t, want %t", code, got.Created, created)
	}
	return got.Assignment
}

func TestRedeem(t *testing.T) {
	t.Parallel()
	f := start(t)
	p, player := f.coded("spring-24"), f.player()
	if p.Code != "SPRING-24" {
		t.Errorf("the code is stored as %q, want SPRING-24", p.Code)
	}
	a := f.redeem(player, "Spring-24", true, "")
	if a.UserID != player || a.PromotionID != p.ID || a.Amount != p.Amount || a.AssignedBy != uuid.Nil || a.State != "ASSIGNED" ||
		a.Source != promotions.AssignmentSourceCode {
		t.Errorf("got %+v, want an assignment of the promotion to the player", a)
	}
	if again := f.redeem(player, "SPRING-24", false, ""); again.ID != a.ID {
		t.Errorf("got the assignment %s, want %s again", again.ID, a.ID)
	}
	if n := f.notified(player, notificationsv1.NotificationEventType_PROMOTION); n != 1 {
		t.Errorf("the player got %d notifications, want 1", n)
	}
	for _, e := range f.outbox() {
		if e.GetContent().Code != nil {
			t.Errorf("the notification contains the code: %v", e)
		}
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 1})
	f.claim(p, player, "")
	if got := f.redeem(player, "SPRING-24", false, ""); !got.Claimed || got.State != "CLAIMED" {
		t.Errorf("got %+v, want the claimed assignment", got)
	}
	f.redeem(player, "SPRING-25", false, apperr.NotFound)

	revoked := f.player()
	f.assign(p, revoked, false, promotions.AssignOutcomeAssigned)
	f.revoke(p, revoked)
	f.redeem(revoked, "SPRING-24", false, apperr.AssignmentRevoked)
	expired := f.player()
	f.update(p.ID, func(p *promotions.Promotion) { p.Limits.ClaimWithinHours = 1 })
	f.redeem(expired, "SPRING-24", true, "")
	later := f.replicas(1, func() time.Time { return time.Now().Add(time.Hour) })[0]
	_, err := later.Redeem(t.Context(), expired, "SPRING-24")
	f.wantCode(err, apperr.AssignmentExpired)

	f.update(p.ID, func(p *promotions.Promotion) { p.Limits.MaxClaims = 1 })
	f.redeem(player, "SPRING-24", false, "")
	f.redeem(f.player(), "SPRING-24", false, apperr.NotFound)
	if _, err := f.service.Pause(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	f.redeem(player, "SPRING-24", false, apperr.NotFound)
	f.redeem(uuid.New(), "SPRING-24", false, apperr.DependencyUnavailable)
}

func TestRedeemConcurrently(t *testing.T) {
	t.Parallel()
	f := start(t)
	p, player := f.coded("ONCE"), f.player()
	services := append(f.replicas(2, time.Now), f.service)
	var created atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			got, err := services[i%len(services)].Redeem(t.Context(), player, "once")
			if err != nil || got.Assignment.PromotionID != p.ID {
				t.Errorf("got %+v, %v", got, err)
			}
			if got.Created {
				created.Add(1)
			}
		})
	}
	wg.Wait()
	if n := f.notified(player, notificationsv1.NotificationEventType_PROMOTION); created.Load() != 1 || n != 1 {
		t.Errorf("created %d assignments and %d notifications, want 1 of each", created.Load(), n)
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 1})
}

func TestCodesAreUniqueUntilArchived(t *testing.T) {
	t.Parallel()
	f := start(t)
	taken := func(code string) error {
		_, err := f.service.Create(t.Context(), promotions.Promotion{
			Title: "x", Type: promotions.PromotionTypeBonus, Amount: 1, StartDate: f.today, EndDate: f.today, Code: code,
			IsActive: false, InactiveAs: string(promotions.StatusDraft),
		})
		return err
	}
	if err := taken("DRAFT"); err != nil {
		t.Fatal(err)
	}
	f.wantCode(taken("draft"), apperr.PromotionCodeExists)
	other := f.coded("OTHER")
	change := func(code string) error {
		_, err := f.service.Update(t.Context(), other.ID, func(p *promotions.Promotion) error { p.Code = code; return nil })
		return err
	}
	f.wantCode(change("dRAFT"), apperr.PromotionCodeExists)
	f.wantCode(change("other"), "")
	if _, err := f.service.Pause(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	f.wantCode(taken("OTHER"), apperr.PromotionCodeExists)
	if _, err := f.service.Archive(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	f.redeem(f.player(), "OTHER", false, apperr.NotFound)
	f.wantCode(taken("OTHER"), "")
	for range 2 { // any number of promotions have no code
		f.wantCode(taken(""), "")
	}
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			switch err := taken("RACE"); apperr.CodeOf(err) {
			case "":
				won.Add(1)
			case apperr.PromotionCodeExists:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d promotions have the same code, want 1", won.Load())
	}
}

// TestRedeemRefusesRestrictedPlayers redeems as a restricted player, and as one who gets no notifications of promotions.
func TestRedeemRefusesRestrictedPlayers(t *testing.T) {
	t.Parallel()
	f := start(t)
	p, player, holder, muted := f.coded("SPRING"), f.player(), f.player(), f.player()
	f.redeem(holder, "SPRING", true, "")
	for _, restricted := range []uuid.UUID{player, holder} {
		f.restrict(restricted, 1, restriction(promotions.RestrictionKindBonusAbuse))
		f.redeem(restricted, "UNKNOWN", false, apperr.NotFound)
		f.redeem(restricted, "SPRING", false, apperr.PlayerRestricted)
		if got := f.refusals(restricted); len(got) != 1 || got[0] != promotions.RefusalActionRedeem {
			t.Errorf("got the refusals %v, want one of REDEEM", got)
		}
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 1})
	f.restrict(player, 2)
	f.redeem(player, "SPRING", true, "")
	f.restrict(muted, 1, restriction(promotions.RestrictionKindMarketingOptOut))
	f.redeem(muted, "SPRING", true, "")
	if n := f.notified(muted, notificationsv1.NotificationEventType_PROMOTION); n != 0 {
		t.Errorf("the player who has opted out got %d notifications", n)
	}
}
