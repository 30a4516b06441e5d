package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

// TestTransactionsBoundTheirLocks checks the timeouts of every transaction that changes assignments of a promotion.
func TestTransactionsBoundTheirLocks(t *testing.T) {
	t.Parallel()
	f := start(t)
	if _, err := f.pool.Exec(t.Context(), `
		CREATE FUNCTION bounded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		  IF current_setting('lock_timeout') <> '4s' OR current_setting('idle_in_transaction_session_timeout') <> '3s' THEN
		    RAISE 'lock_timeout is %, idle_in_transaction_session_timeout is %',
		      current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout');
		  END IF;
		  RETURN NEW;
		END $$;
		CREATE TRIGGER bounded BEFORE INSERT OR UPDATE ON player_promotions FOR EACH ROW EXECUTE FUNCTION bounded();
		CREATE TRIGGER bounded BEFORE INSERT OR UPDATE ON promotions FOR EACH ROW
		  WHEN (NEW.title = 'bounded') EXECUTE FUNCTION bounded();
		CREATE TRIGGER bounded BEFORE INSERT ON assignment_jobs FOR EACH ROW EXECUTE FUNCTION bounded();`); err != nil {
		t.Fatal(err)
	}
	p, players := f.coded("BOUNDED"), f.players(3)
	f.promotion(promotions.PromotionTypeWelcomeBonus, 0, 1)
	registered := uuid.Must(uuid.NewV7())
	f.wantCode(f.service.Registered(t.Context(), uuid.NewString(), registered, time.Now()), "")
	if n := f.listed(registered, true); n != 1 {
		t.Errorf("the new player has %d assignments, want 1", n)
	}
	f.update(p.ID, func(p *promotions.Promotion) { p.Title, p.Limits.ClaimWithinHours = "bounded", 1 })
	f.assign(p, players[0], false, promotions.AssignOutcomeAssigned)
	f.revoke(p, players[0])
	f.assign(p, players[0], true, promotions.AssignOutcomeAssigned)
	f.redeem(players[1], "BOUNDED", true, "")
	f.succeeded(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: promotions.JobAudience{Players: players[2:]}})),
		promotions.AssignmentJobCounts{Assigned: 1})
	later := f.replicas(1, func() time.Time { return time.Now().Add(2 * time.Hour) })[0]
	for range 2 { // the reminders, then the expiries
		f.wantCode(later.HandleDeadlines(t.Context()), "")
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 4, Expired: 3})
}
