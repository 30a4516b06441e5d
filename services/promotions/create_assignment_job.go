package promotions

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// JobAudience is whom a job is for: exactly one of its fields is set.
type JobAudience struct {
	Players []uuid.UUID
	All     bool
	Filter  *JobFilter
}

// NewJob are the parameters of [Service.CreateAssignmentJob].
type NewJob struct {
	Promotion uuid.UUID
	Audience  JobAudience
	// DryRun is true to only count what the job would assign.
	DryRun bool
	// Reassign is true to assign the promotion again to players whose assignment was revoked or has expired.
	Reassign bool
	// By is the employee who creates the job.
	By uuid.UUID
}

const fieldAudience = "audience"

// CreateAssignmentJob creates a job, which the replicas then process. It fails with VALIDATION_FAILED unless the audience
// has exactly one member, with NOT_FOUND, and with the error of [Promotion.Available], except that a job of a paused
// promotion waits.
func (s *Service) CreateAssignmentJob(ctx context.Context, n NewJob) (AssignmentJob, error) {
	members := 0
	for _, given := range []bool{len(n.Audience.Players) > 0, n.Audience.All, n.Audience.Filter != nil} {
		if given {
			members++
		}
	}
	if members != 1 {
		return AssignmentJob{}, apperr.Invalid(fieldAudience, "one_of", "must contain exactly one of playerIds, all and filter")
	}
	j, err := s.newJob(n)
	if err != nil {
		return AssignmentJob{}, err
	}
	var chunks []JobChunk
	switch a := n.Audience; {
	case len(a.Players) > 0:
		j.Audience, j.Counts.Total = AudienceLines, int32(len(a.Players))
		chunks = chunksOf(a.Players)
	case a.All:
		j.Audience = AudiencePlayers
	default:
		if a.Filter.isZero() {
			return AssignmentJob{}, apperr.Invalid(fieldAudience+".filter", "required", "must contain at least one member")
		}
		filter, err := json.Marshal(a.Filter)
		if err != nil {
			return AssignmentJob{}, err
		}
		j.Audience, j.Filter = AudiencePlayers, string(filter)
	}
	return s.store.CreateJob(ctx, j, chunks, func(p Promotion) error { return jobAllowed(p, j.CreatedAt) })
}

// newJob returns a job without an audience.
func (s *Service) newJob(n NewJob) (AssignmentJob, error) {
	id, err := uuid.NewV7()
	now := s.now()
	return AssignmentJob{
		ID: id, PromotionID: n.Promotion, State: AssignmentJobStateQueued, DryRun: n.DryRun, Reassign: n.Reassign,
		CreatedBy: n.By, CreatedAt: now, WorkedAt: now,
	}, err
}
