package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// later returns a service whose clock is five seconds ahead, so that jobs for all players do not wait for registrations.
func (f fixture) later() *promotions.Service {
	return promotions.New(postgres.New(f.role, func() {}), f.ledger, func() time.Time { return time.Now().Add(5 * time.Second) })
}

// players registers n players without promotions, and returns their ids.
func (f fixture) players(n int) []uuid.UUID {
	f.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	if _, err := f.pool.Exec(f.Context(), `INSERT INTO players (id, is_active, created_at, updated_at)
		SELECT id, true, now(), now() FROM unnest($1::uuid[]) AS e (id)`, ids); err != nil {
		f.Fatal(err)
	}
	return ids
}

// job creates a job.
func (f fixture) job(n promotions.NewJob) promotions.AssignmentJob {
	f.Helper()
	if n.By == uuid.Nil {
		n.By = uuid.New()
	}
	j, err := f.service.CreateAssignmentJob(f.Context(), n)
	if err != nil {
		f.Fatal(err)
	}
	if j.State != promotions.AssignmentJobStateQueued || j.Counts.Processed != 0 {
		f.Errorf("got %+v, want a queued job", j)
	}
	return j
}

// processed processes all jobs and returns the job.
func (f fixture) processed(j promotions.AssignmentJob) promotions.AssignmentJob {
	f.Helper()
	if err := f.later().ProcessAssignmentJobs(f.Context()); err != nil {
		f.Fatal(err)
	}
	return f.read(j)
}

func (f fixture) read(j promotions.AssignmentJob) promotions.AssignmentJob {
	f.Helper()
	j, err := f.service.AssignmentJob(f.Context(), j.ID)
	if err != nil {
		f.Fatal(err)
	}
	return j
}

// succeeded checks the counts of a job that has succeeded, and that its assignments and notifications match them.
func (f fixture) succeeded(j promotions.AssignmentJob, want promotions.AssignmentJobCounts) {
	f.Helper()
	want.Processed = want.Assigned + want.AlreadyAssigned + want.Unknown + want.Inactive + want.Restricted + want.Malformed
	want.Total = want.Processed
	if j.State != promotions.AssignmentJobStateSucceeded || j.Counts != want || j.StartedAt.IsZero() || j.FinishedAt.IsZero() {
		f.Errorf("got a job in the state %s with %+v, want SUCCEEDED with %+v", j.State, j.Counts, want)
	}
	if forecast := (promotions.AssignmentJobForecast{Players: want.Assigned, Liability: 2000 * money.Amount(want.Assigned)}); j.Forecast != forecast {
		f.Errorf("got the forecast %+v, want %+v", j.Forecast, forecast)
	}
	if j.DryRun {
		want.Assigned = 0
	}
	var assigned, announced int32
	if err := f.pool.QueryRow(f.Context(), `SELECT count(*), count(*) FILTER (WHERE source = 'JOB' AND assigned_by = $2
		AND (SELECT count(*) FROM outbox o WHERE o.topic = 'notifications' AND o.key = user_id::text
		  AND (o.event_id = a.id OR times_assigned > 1)) = times_assigned - times_muted)
		FROM player_promotions a WHERE job_id = $1`, j.ID, j.CreatedBy).Scan(&assigned, &announced); err != nil {
		f.Fatal(err)
	}
	if assigned != want.Assigned || announced != want.Assigned {
		f.Errorf("%d assignments have the id of the job, %d are announced, want %d", assigned, announced, want.Assigned)
	}
}

func TestAssignmentJobCountsOutcomes(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	players := f.players(2500)
	inactive := players[2]
	if err := f.service.PlayerStatusChanged(t.Context(), uuid.NewString(), promotions.StatusChange{Player: inactive, Version: 1, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.service.Assign(t.Context(), p.ID, players[3:5], uuid.New(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE players SET promotions_refused_until = CASE WHEN id = $1 THEN 9e18 ELSE 0 END,
		promotions_muted_until = 9e18 WHERE id IN ($1, $2)`, players[10], players[11]); err != nil {
		t.Fatal(err)
	}
	unknown := uuid.New()
	given := append([]uuid.UUID{players[7], players[7], unknown, unknown}, players...)
	want := promotions.AssignmentJobCounts{Assigned: 2496, AlreadyAssigned: 4, Unknown: 2, Inactive: 1, Restricted: 1}
	audience := promotions.JobAudience{Players: given}
	dry := f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience, DryRun: true}))
	f.succeeded(dry, want)
	if events := f.outbox(); len(events) != 2 {
		t.Errorf("after a dry run, the outbox has %d events, want those of 2 assignments", len(events))
	}
	j := f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience}))
	f.succeeded(j, want)
	if dry.Forecast != j.Forecast {
		t.Errorf("the forecast was %+v, the run assigned %+v", dry.Forecast, j.Forecast)
	}
	refused, err := f.service.ListRefusedPlayers(t.Context(), j.ID, keyset.PageRequest[int64]{Size: 2})
	if err != nil || refused.Total != 4 || !refused.More || len(refused.Items) != 2 ||
		refused.Items[0].Line != 3 || refused.Items[0].Outcome != promotions.RefusedPlayerOutcomeUnknownPlayer || refused.Items[1].Player != unknown.String() {
		t.Errorf("got %+v, %v, want two of four refused players", refused, err)
	}
	refused, err = f.service.ListRefusedPlayers(t.Context(), j.ID, keyset.PageRequest[int64]{Size: 2, Before: refused.Items[1].Number})
	if err != nil || len(refused.Items) != 2 || refused.More || refused.Items[0].Line != 7 || refused.Items[0].Outcome != promotions.RefusedPlayerOutcomeInactivePlayer {
		t.Errorf("got %+v, %v, want the inactive player and the restricted one", refused, err)
	}
	if p, err := f.service.Get(t.Context(), p.ID); err != nil || p.Usage.Assigned != 2498 {
		t.Errorf("got the usage %+v, %v, want 2498 assignments", p.Usage, err)
	}
	page, err := f.service.ListAssignmentJobs(t.Context(), p.ID, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil || page.Total != 2 || !page.More || page.Items[0].ID != j.ID {
		t.Errorf("got %+v, %v, want the second job", page, err)
	}
	var refusals int
	if err := f.pool.QueryRow(t.Context(), "SELECT count(*) FROM refusals WHERE action = 'JOB' AND user_id = $1 AND promotion_id = $2", players[10], p.ID).Scan(&refusals); err != nil || refusals != 1 {
		t.Errorf("%d refusals are recorded, %v, want that of the run", refusals, err)
	}
	f.prunedAllBut(8)
}

// prunedAllBut prunes the jobs and checks that only refused players are left, until 30 days have passed.
func (f fixture) prunedAllBut(refused int) {
	f.Helper()
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, refused}, {31 * 24 * time.Hour, 0}} {
		service := promotions.New(postgres.New(f.role, func() {}), f.ledger, func() time.Time { return time.Now().Add(tt.after) })
		if err := service.PruneAssignmentJobs(f.Context()); err != nil {
			f.Fatal(err)
		}
		var rest, refusals int
		if err := f.pool.QueryRow(f.Context(), `SELECT (SELECT count(*) FROM assignment_job_chunks) +
			(SELECT count(*) FROM assignment_job_forecast_players), (SELECT count(*) FROM assignment_job_refusals)`).Scan(&rest, &refusals); err != nil {
			f.Fatal(err)
		}
		if rest != 0 || refusals != tt.want {
			f.Errorf("%v after the job: %d lines and forecasts and %d refused players are left, want 0 and %d", tt.after, rest, refusals, tt.want)
		}
	}
}

func TestAssignmentJobSelectsPlayers(t *testing.T) {
	t.Parallel()
	f := start(t)
	bonus, vip := f.promotion(promotions.PromotionTypeBonus, 0, 1), f.promotion(promotions.PromotionTypeVIPPromotion, 0, 1)
	players := f.players(6)
	// Players 0 and 1 have claimed a bonus, players 1 and 2 a VIP promotion; player 3 has an unclaimed bonus.
	for i, assigned := range map[*promotions.Promotion][]uuid.UUID{&bonus: {players[0], players[1], players[3]}, &vip: players[1:3]} {
		if _, err := f.service.Assign(t.Context(), i.ID, assigned, uuid.New(), false); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		player    uuid.UUID
		promotion uuid.UUID
	}{{players[0], bonus.ID}, {players[1], bonus.ID}, {players[1], vip.ID}, {players[2], vip.ID}} {
		if _, err := f.service.Claim(t.Context(), c.player, c.promotion, ""); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := f.pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	day := time.Now().UTC().Truncate(time.Second)
	for i, player := range players {
		exec("UPDATE players SET created_at = $2 WHERE id = $1", player, day.Add(time.Duration(i-10)*time.Hour))
	}
	exec("UPDATE player_promotions SET claimed_at = $2 WHERE user_id = $1", players[0], day.Add(-time.Hour))
	for name, tt := range map[string]struct {
		filter promotions.JobFilter
		want   []int
	}{
		"registered from":       {promotions.JobFilter{RegisteredFrom: day.Add(-6 * time.Hour)}, []int{4, 5}},
		"registered to":         {promotions.JobFilter{RegisteredTo: day.Add(-9 * time.Hour)}, []int{0, 1}},
		"claimed":               {promotions.JobFilter{ClaimedTypes: []promotions.PromotionType{promotions.PromotionTypeBonus}}, []int{0, 1}},
		"claimed any of them":   {promotions.JobFilter{ClaimedTypes: []promotions.PromotionType{promotions.PromotionTypeBonus, promotions.PromotionTypeVIPPromotion}}, []int{0, 1, 2}},
		"not claimed":           {promotions.JobFilter{NotClaimedTypes: []promotions.PromotionType{promotions.PromotionTypeVIPPromotion}}, []int{0, 3, 4, 5}},
		"not assigned":          {promotions.JobFilter{NotAssignedPromotionIDs: []uuid.UUID{bonus.ID, vip.ID}}, []int{4, 5}},
		"last claim before":     {promotions.JobFilter{LastClaimBefore: day.Add(-time.Minute)}, []int{0}},
		"claimed, not assigned": {promotions.JobFilter{ClaimedTypes: []promotions.PromotionType{promotions.PromotionTypeVIPPromotion}, NotAssignedPromotionIDs: []uuid.UUID{bonus.ID}}, []int{2}},
		"nobody":                {promotions.JobFilter{RegisteredTo: day.Add(-24 * time.Hour)}, nil},
	} {
		p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
		audience := promotions.JobAudience{Filter: &tt.filter}
		want := promotions.AssignmentJobCounts{Assigned: int32(len(tt.want))}
		f.succeeded(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience, DryRun: true})), want)
		f.succeeded(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})), want)
		for i, player := range players {
			var assigned, wanted bool
			if err := f.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM player_promotions WHERE user_id = $1 AND promotion_id = $2)", player, p.ID).Scan(&assigned); err != nil {
				t.Fatal(err)
			}
			for _, n := range tt.want {
				wanted = wanted || n == i
			}
			if assigned != wanted {
				t.Errorf("%s: player %d: assigned %t, want %t", name, i, assigned, wanted)
			}
		}
	}
}

func TestAssignmentJobForAllPlayers(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	f.players(1200)
	j := f.job(promotions.NewJob{Promotion: p.ID, Audience: promotions.JobAudience{All: true}})
	if j.Counts.Total != 1200 {
		t.Errorf("the job is for %d players, want 1200", j.Counts.Total)
	}
	// The job waits for the registrations of earlier players, whose events may arrive later.
	if err := f.service.ProcessAssignmentJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j = f.read(j); j.State != promotions.AssignmentJobStateRunning || j.Counts.Assigned != 0 {
		t.Errorf("got %+v, want a running job without assignments", j)
	}
	f.succeeded(f.processed(j), promotions.AssignmentJobCounts{Assigned: 1200})
}

func TestAssignmentJobStates(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	audience := promotions.JobAudience{Players: f.players(3)}
	must := func(j promotions.AssignmentJob, err error) promotions.AssignmentJob {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	state := func(j promotions.AssignmentJob, want promotions.AssignmentJobState) {
		t.Helper()
		if j.State != want {
			t.Errorf("the state is %s, want %s", j.State, want)
		}
	}
	j := f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})
	for range 2 {
		state(must(f.service.PauseAssignmentJob(t.Context(), j.ID)), promotions.AssignmentJobStatePaused)
	}
	state(f.processed(j), promotions.AssignmentJobStatePaused)
	if _, err := f.service.Pause(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		state(must(f.service.ResumeAssignmentJob(t.Context(), j.ID)), promotions.AssignmentJobStateQueued)
	}
	state(f.processed(j), promotions.AssignmentJobStatePaused) // with the promotion
	state(must(f.service.ResumeAssignmentJob(t.Context(), j.ID)), promotions.AssignmentJobStatePaused)
	state(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience, DryRun: true})), promotions.AssignmentJobStatePaused)
	if _, err := f.service.Resume(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	f.succeeded(f.processed(j), promotions.AssignmentJobCounts{Assigned: 3})
	for _, change := range []func(context.Context, uuid.UUID) (promotions.AssignmentJob, error){
		f.service.PauseAssignmentJob, f.service.ResumeAssignmentJob, f.service.CancelAssignmentJob,
	} {
		_, err := change(t.Context(), j.ID)
		f.wantCode(err, apperr.JobStateConflict)
		_, err = change(t.Context(), uuid.New())
		f.wantCode(err, apperr.NotFound)
	}
	cancelled := f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})
	state(must(f.service.CancelAssignmentJob(t.Context(), cancelled.ID)), promotions.AssignmentJobStateCancelled)
	_, err := f.service.CancelAssignmentJob(t.Context(), cancelled.ID)
	f.wantCode(err, apperr.JobStateConflict)
	archived := f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})
	if _, err := f.service.Archive(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	failed := f.processed(archived)
	state(failed, promotions.AssignmentJobStateFailed)
	if failed.Failure == "" || failed.FinishedAt.IsZero() {
		t.Errorf("got %+v, want a failure", failed)
	}
	for code, p := range map[apperr.Code]uuid.UUID{
		apperr.PromotionNotActive: p.ID, apperr.NotFound: uuid.New(),
		apperr.PromotionExpired:    f.promotion(promotions.PromotionTypeBonus, -2, -1).ID,
		apperr.PromotionNotStarted: f.promotion(promotions.PromotionTypeBonus, 1, 2).ID,
	} {
		_, err := f.service.CreateAssignmentJob(t.Context(), promotions.NewJob{Promotion: p, Audience: audience, By: uuid.New()})
		f.wantCode(err, code)
	}
	_, err = f.service.ListRefusedPlayers(t.Context(), uuid.New(), keyset.PageRequest[int64]{Size: 1})
	f.wantCode(err, apperr.NotFound)
	_, err = f.service.ListAssignmentJobs(t.Context(), uuid.New(), keyset.PageRequest[uuid.UUID]{Size: 1})
	f.wantCode(err, apperr.NotFound)
}

func TestAssignmentJobReassigns(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 1)
	players := f.players(4)
	audience := promotions.JobAudience{Players: append(players, players...)}
	first := f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience}))
	f.succeeded(first, promotions.AssignmentJobCounts{Assigned: 4, AlreadyAssigned: 4})
	if _, err := f.service.Revoke(t.Context(), p.ID, players[:3]); err != nil {
		t.Fatal(err)
	}
	f.succeeded(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience})), promotions.AssignmentJobCounts{AlreadyAssigned: 8})
	want := promotions.AssignmentJobCounts{Assigned: 3, AlreadyAssigned: 5}
	f.succeeded(f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience, Reassign: true, DryRun: true})), want)
	again := f.processed(f.job(promotions.NewJob{Promotion: p.ID, Audience: audience, Reassign: true}))
	if again.Counts.Assigned != 3 || again.Counts.AlreadyAssigned != 5 {
		t.Errorf("got %+v, want 3 new assignments", again.Counts)
	}
	var replaced, kept int
	if err := f.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM assignment_job_replacements WHERE job_id = $1),
		(SELECT count(*) FROM player_promotions WHERE job_id = $1)`, first.ID).Scan(&replaced, &kept); err != nil {
		t.Fatal(err)
	}
	if replaced != 3 || kept != 1 {
		t.Errorf("%d assignments of the first job are replaced, and %d are left, want 3 and 1", replaced, kept)
	}
}
