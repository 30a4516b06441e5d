package promotions

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// JobStore persists assignment jobs. A job belongs to no process: each batch is one transaction, which changes the
// assignments, their notifications and the progress of the job together.
type JobStore interface {
	// CreateJob stores a new job of a promotion with chunks of its lines. It sets AssignmentJob.LastPlayer and the total of an
	// audience without lines. If check returns an error, CreateJob stores nothing and returns the error.
	CreateJob(ctx context.Context, j AssignmentJob, chunks []JobChunk, check func(Promotion) error) (AssignmentJob, error)
	// AddChunk stores a chunk of the lines of a job that CreateJob has not stored yet.
	AddChunk(ctx context.Context, job uuid.UUID, c JobChunk) error
	// Job returns a job.
	Job(ctx context.Context, id uuid.UUID) (AssignmentJob, error)
	// Jobs lists the jobs of a promotion, newest first.
	Jobs(ctx context.Context, promotion uuid.UUID, p keyset.PageRequest[uuid.UUID]) (keyset.Page[AssignmentJob], error)
	// ChangeJob locks a job, applies change to its state and stores the result. If change returns an error, ChangeJob stores
	// nothing and returns the error.
	ChangeJob(ctx context.Context, id uuid.UUID, change func(*AssignmentJob) error) (AssignmentJob, error)
	// RefusedPlayers lists the refused players of a job, in the order in which the job processed them.
	RefusedPlayers(ctx context.Context, job uuid.UUID, p keyset.PageRequest[int64]) (keyset.Page[RefusedPlayer], error)
	// NextBatch returns the open job whose last batch is the oldest, with its next chunk of lines. It skips paused jobs, jobs
	// whose promotion cannot be assigned today but later, and jobs that another replica is processing. It returns false if
	// there is none.
	NextBatch(ctx context.Context, now time.Time) (AssignmentJob, JobChunk, bool, error)
	// ProcessBatch processes a batch, unless the job has changed since NextBatch. It reports whether the job has progressed.
	ProcessBatch(ctx context.Context, b JobBatch) (bool, error)
	// FailAttempt records that a batch of a job failed, so that other jobs precede it. It counts the attempt if counted is
	// true, and returns the number of counted attempts in a row.
	FailAttempt(ctx context.Context, job uuid.UUID, counted bool) (int64, error)
	// PruneJobs deletes up to limit rows that jobs need no more, and reports whether there may be more: lines and forecasts of
	// ended jobs, lines without a job that were stored before orphaned, and refused players of jobs that ended before expired.
	PruneJobs(ctx context.Context, orphaned, expired time.Time, limit int) (bool, error)
}

// Directory finds players by e-mail. The users service owns the e-mails.
type Directory interface {
	// FindPlayers returns the ids of the players with the given e-mails, by e-mail. It omits e-mails that no player has.
	FindPlayers(ctx context.Context, emails []string) (map[string]uuid.UUID, error)
}

// The audiences of jobs.
const (
	// AudienceLines are players who were given one by one.
	AudienceLines = "LINES"
	// AudiencePlayers are all players whom a filter selects.
	AudiencePlayers = "PLAYERS"
)

// JobFilter selects players. Its members are combined with AND. A member with the zero value selects all players.
type JobFilter struct {
	RegisteredFrom          time.Time       `json:"registeredFrom,omitzero"`
	RegisteredTo            time.Time       `json:"registeredTo,omitzero"`
	ClaimedTypes            []PromotionType `json:"claimedTypes,omitempty"`
	NotClaimedTypes         []PromotionType `json:"notClaimedTypes,omitempty"`
	NotAssignedPromotionIDs []uuid.UUID     `json:"notAssignedPromotionIds,omitempty"`
	LastClaimBefore         time.Time       `json:"lastClaimBefore,omitzero"`
}

// PlayerFilter returns the filter of the job's audience. The filter of all players is the zero value.
func (j AssignmentJob) PlayerFilter() (JobFilter, error) {
	var f JobFilter
	if j.Filter == "" {
		return f, nil
	}
	err := json.Unmarshal([]byte(j.Filter), &f)
	return f, err
}

func (f JobFilter) isZero() bool {
	return f.RegisteredFrom.IsZero() && f.RegisteredTo.IsZero() && len(f.ClaimedTypes) == 0 && len(f.NotClaimedTypes) == 0 &&
		len(f.NotAssignedPromotionIDs) == 0 && f.LastClaimBefore.IsZero()
}

// Ended reports whether the job has succeeded, failed or been cancelled.
func (j AssignmentJob) Ended() bool { return !j.FinishedAt.IsZero() }

// Pause pauses the job. It returns JOB_STATE_CONFLICT if the job has ended.
func (j *AssignmentJob) Pause() error {
	if j.Ended() {
		return j.stateConflict("paused")
	}
	j.State, j.Waiting = AssignmentJobStatePaused, false
	return nil
}

// Resume resumes the job if it is paused. It returns JOB_STATE_CONFLICT if the job has ended.
func (j *AssignmentJob) Resume() error {
	if j.Ended() {
		return j.stateConflict("resumed")
	}
	if j.State == AssignmentJobStatePaused && !j.Waiting {
		j.State = AssignmentJobStateQueued
		if !j.StartedAt.IsZero() {
			j.State = AssignmentJobStateRunning
		}
	}
	return nil
}

// Cancel ends the job at a time. It returns JOB_STATE_CONFLICT if the job has ended.
func (j *AssignmentJob) Cancel(at time.Time) error {
	if j.Ended() {
		return j.stateConflict("cancelled")
	}
	j.end(AssignmentJobStateCancelled, at)
	return nil
}

// Fail ends the job at a time. The parameter why is for people.
func (j *AssignmentJob) Fail(why string, at time.Time) {
	j.end(AssignmentJobStateFailed, at)
	j.Failure = why
}

// Succeed ends the job at a time.
func (j *AssignmentJob) Succeed(at time.Time) { j.end(AssignmentJobStateSucceeded, at) }

func (j *AssignmentJob) end(s AssignmentJobState, at time.Time) {
	j.State, j.Waiting, j.FinishedAt = s, false, at
}

// stateConflict returns JOB_STATE_CONFLICT. The participle names the action, such as "paused".
func (j *AssignmentJob) stateConflict(participle string) error {
	return apperr.New(apperr.JobStateConflict, "job %s has ended and cannot be %s", j.ID, participle).
		With("state", string(j.State))
}

// Begin decides whether the next batch of the job can be processed at a time, and changes the state of the job accordingly:
// the job runs, waits for its promotion, or fails because its promotion can never be assigned again.
func (j *AssignmentJob) Begin(p Promotion, at time.Time) bool {
	switch code := apperr.CodeOf(p.Available(at)); {
	case p.Status() == StatusArchived:
		j.Fail("the promotion was archived", at)
	case code == apperr.PromotionExpired || p.StateAt(at) == PromotionStateExpired:
		j.Fail(fmt.Sprintf("the promotion ended on %s", p.EndDate), at)
	case code != "":
		j.State, j.Waiting = AssignmentJobStatePaused, true
	default:
		j.State, j.Waiting = AssignmentJobStateRunning, false
		if j.StartedAt.IsZero() {
			j.StartedAt = at
		}
		return true
	}
	return false
}

// jobAllowed returns nil if a job of the promotion can be created at now. A job of a paused promotion waits. It returns
// PROMOTION_NOT_ACTIVE, PROMOTION_NOT_STARTED or PROMOTION_EXPIRED otherwise.
func jobAllowed(p Promotion, now time.Time) error {
	if p.Status() == StatusPaused {
		p.setStatus(StatusPublished)
	}
	return p.Available(now)
}

// maxLiability is the greatest liability that the database can store.
const maxLiability money.Amount = 999_999_999_999_999_999

// Count adds players of one outcome to the counts. The outcome is that of an assignment, or the reason of a refusal. Each
// assigned player can claim the amount.
func (j *AssignmentJob) Count(outcome string, n int, amount money.Amount) {
	c := &j.Counts
	c.Processed += int32(n)
	c.Total = max(c.Total, c.Processed)
	switch outcome {
	case string(AssignOutcomeAssigned):
		c.Assigned += int32(n)
		j.Forecast.Players = c.Assigned
		j.Forecast.Liability = min(maxLiability, j.Forecast.Liability+money.Amount(n)*amount)
	case string(AssignOutcomeAlreadyAssigned):
		c.AlreadyAssigned += int32(n)
	case string(RefusedPlayerOutcomeUnknownPlayer):
		c.Unknown += int32(n)
	case string(RefusedPlayerOutcomeInactivePlayer):
		c.Inactive += int32(n)
	case string(RefusedPlayerOutcomeRestrictedPlayer):
		c.Restricted += int32(n)
	case string(RefusedPlayerOutcomeMalformed):
		c.Malformed += int32(n)
	}
}
