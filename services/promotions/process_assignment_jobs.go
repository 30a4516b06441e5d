package promotions

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// JobBatch is the next batch of a job.
type JobBatch struct {
	// Job is the job as NextBatch has returned it.
	Job AssignmentJob
	// Players are the players of the next lines. It is not used for other audiences.
	Players []JobPlayer
	// Last is true if no more lines follow.
	Last bool
	At   time.Time
	// Limit is the maximum number of players of an audience without lines.
	Limit int
}

const (
	// jobBatch is the number of players in a batch. It limits how long a batch locks the counters of the promotion, which
	// claims change, too.
	jobBatch = 1000
	// maxAttempts is the number of failed attempts in a row after which a job fails. Outages do not count.
	maxAttempts = 10
)

// RegistrationGrace is how long after its creation a job for all players does not end, because events of players who have
// registered before may still arrive.
const RegistrationGrace = registrationWait

// ProcessAssignmentJobs processes batches until no job can progress. Every replica calls it every second. A batch that fails
// is repeated; after several failures in a row, the job fails.
func (s *Service) ProcessAssignmentJobs(ctx context.Context) error {
	for {
		job, chunk, ok, err := s.store.NextBatch(ctx, s.now())
		if err != nil || !ok {
			return err
		}
		progressed, err := s.processBatch(ctx, job, chunk)
		if err != nil {
			return s.batchFailed(ctx, job, err)
		}
		if !progressed {
			return nil
		}
	}
}

func (s *Service) processBatch(ctx context.Context, job AssignmentJob, chunk JobChunk) (bool, error) {
	b := JobBatch{Job: job, Limit: jobBatch}
	if job.Audience == AudienceLines {
		b.Last = len(chunk.Lines) == 0
		b.Players = chunk.players()
		if err := s.findPlayers(ctx, b.Players); err != nil {
			return false, err
		}
		s.awaitNewPlayers(ctx, idsOf(b.Players))
	}
	b.At = s.now()
	return s.store.ProcessBatch(ctx, b)
}

// findPlayers sets the ids of the players who are given by e-mail.
func (s *Service) findPlayers(ctx context.Context, players []JobPlayer) error {
	var emails []string
	for _, p := range players {
		if p.Email {
			emails = append(emails, p.Given)
		}
	}
	if len(emails) == 0 {
		return nil
	}
	found, err := s.directory.FindPlayers(ctx, emails)
	if err != nil {
		return err
	}
	for i, p := range players {
		if p.Email {
			players[i].ID = found[p.Given]
		}
	}
	return nil
}

// idsOf returns the ids of the players that have one.
func idsOf(players []JobPlayer) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(players))
	for _, p := range players {
		if p.ID != uuid.Nil {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// batchFailed counts a failed batch, unless err is an outage, and ends the job after maxAttempts.
func (s *Service) batchFailed(ctx context.Context, job AssignmentJob, err error) error {
	if apperr.CodeOf(err) == apperr.DependencyUnavailable || ctx.Err() != nil {
		return err
	}
	attempts, failed := s.store.FailAttempt(ctx, job.ID)
	if failed == nil && attempts >= maxAttempts {
		now := s.now()
		_, failed = s.store.ChangeJob(ctx, job.ID, func(j *AssignmentJob) error {
			if !j.Ended() {
				j.Fail("an internal error occurred", now)
			}
			return nil
		})
	}
	if failed != nil {
		return failed
	}
	return fmt.Errorf("job %s: %w", job.ID, err)
}

const (
	// uploadTime is the time after which lines without a job are deleted. An upload takes less.
	uploadTime = time.Hour
	// keepRefusals is how long the refused players of a job are kept after its end. They may contain e-mails.
	keepRefusals = 30 * 24 * time.Hour
	// pruneBatch is the maximum number of rows that one statement deletes.
	pruneBatch = 5000
)

// PruneAssignmentJobs deletes what ended jobs and interrupted uploads have left.
func (s *Service) PruneAssignmentJobs(ctx context.Context) error {
	for {
		now := s.now()
		more, err := s.store.PruneJobs(ctx, now.Add(-uploadTime), now.Add(-keepRefusals), pruneBatch)
		if err != nil || !more {
			return err
		}
	}
}
