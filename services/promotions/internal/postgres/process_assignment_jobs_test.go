package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// TestAssignmentJobSurvivesKilledWorkers processes jobs on several replicas whose contexts end at random points, and checks
// that each player is assigned and notified once.
func TestAssignmentJobSurvivesKilledWorkers(t *testing.T) {
	t.Parallel()
	f := start(t)
	p, q := f.promotion(promotions.PromotionTypeBonus, 0, 1), f.promotion(promotions.PromotionTypeBonus, 0, 1)
	players := f.players(6000)
	all := f.job(promotions.NewJob{Promotion: p.ID, Audience: promotions.JobAudience{All: true}})
	lines := f.job(promotions.NewJob{Promotion: p.ID, Audience: promotions.JobAudience{Players: players[2000:5000]}})
	other := f.job(promotions.NewJob{Promotion: q.ID, Audience: promotions.JobAudience{All: true}})
	var wg sync.WaitGroup
	for replica := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				// The connection of a killed replica ends in the middle of a batch.
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+7*replica+n*n*5)*time.Millisecond)
				_ = f.later().ProcessAssignmentJobs(ctx)
				cancel()
				if f.read(all).Ended() && f.read(lines).Ended() && f.read(other).Ended() {
					return
				}
			}
		})
	}
	wg.Wait()
	all, lines = f.read(all), f.read(lines)
	if got := all.Counts.Assigned + lines.Counts.Assigned; got != 6000 {
		t.Errorf("both jobs have assigned %d promotions, want 6000", got)
	}
	f.succeeded(all, promotions.AssignmentJobCounts{Assigned: all.Counts.Assigned, AlreadyAssigned: 6000 - all.Counts.Assigned})
	f.succeeded(lines, promotions.AssignmentJobCounts{Assigned: lines.Counts.Assigned, AlreadyAssigned: 3000 - lines.Counts.Assigned})
	f.succeeded(f.read(other), promotions.AssignmentJobCounts{Assigned: 6000})
	var events int
	if err := f.pool.QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&events); err != nil || events != 12_000 {
		t.Errorf("the outbox has %d events, %v, want 12000", events, err)
	}
}

// TestFailingAssignmentJob makes each batch fail.
func TestFailingAssignmentJob(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	j := f.job(promotions.NewJob{Promotion: p.ID, Audience: promotions.JobAudience{Players: f.players(1)}})
	if _, err := f.pool.Exec(t.Context(), "ALTER TABLE player_promotions ADD CHECK (source <> 'JOB')"); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for ; !f.read(j).Ended() && failures < 20; failures++ {
		if err := f.service.ProcessAssignmentJobs(t.Context()); err == nil {
			t.Fatal("the batch has not failed")
		}
	}
	if j = f.read(j); failures != 10 || j.State != promotions.AssignmentJobStateFailed || j.Failure == "" || j.Counts.Processed != 0 {
		t.Errorf("after %d failures: %+v, want a failed job after 10", failures, j)
	}
}

// TestOutageOfOneAssignmentJob makes the batches of one job fail with an error that is not counted.
func TestOutageOfOneAssignmentJob(t *testing.T) {
	t.Parallel()
	f := start(t)
	p, q := f.promotion(promotions.PromotionTypeBonus, 0, 1), f.promotion(promotions.PromotionTypeBonus, 0, 1)
	audience := promotions.JobAudience{Players: f.players(1500)}
	first := f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})
	second := f.job(promotions.NewJob{Promotion: q.ID, Audience: audience})
	f.exec(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE 'full' USING ERRCODE = 'disk_full'; END $$`)
	f.exec(`CREATE TRIGGER fail BEFORE INSERT ON player_promotions FOR EACH ROW WHEN (NEW.promotion_id = '` + p.ID.String() + `')
		EXECUTE FUNCTION fail()`)
	for n := 0; !f.read(second).Ended() && n < 20; n++ {
		if err := f.service.ProcessAssignmentJobs(t.Context()); err == nil || apperr.CodeOf(err) == apperr.DependencyUnavailable {
			t.Fatalf("got %v, want an error that is logged", err)
		}
	}
	f.succeeded(f.read(second), promotions.AssignmentJobCounts{Assigned: 1500})
	if j := f.read(first); j.Ended() || j.Attempts != 0 {
		t.Errorf("got %+v, want an open job without counted attempts", j)
	}
	f.exec("DROP TRIGGER fail ON player_promotions")
	f.succeeded(f.processed(first), promotions.AssignmentJobCounts{Assigned: 1500})
}
