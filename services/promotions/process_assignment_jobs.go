package promotions

import (
	"context"
	"errors"
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

// ProcessAssignmentJobs processes batches until a job comes again that did not progress. Every replica calls it every
// second. A batch that fails is repeated after those of other jobs. After several failures in a row, except outages, the job
// fails.
func (s *Service) ProcessAssignmentJobs(ctx context.Context) error {
	var failures error
	stuck := map[uuid.UUID]bool{}
	for {
		job, chunk, ok, err := s.store.NextBatch(ctx, s.now())
		if err != nil || !ok || stuck[job.ID] {
			return errors.Join(failures, err)
		}
		progressed, err := s.processBatch(ctx, job, chunk)
		if err != nil {
			if recorded := s.batchFailed(ctx, job, err); recorded != nil {
				return errors.Join(failures, recorded)
			}
			// The database has recorded the failure, so this is not an outage for the caller, even if err is.
			failures = errors.Join(failures, fmt.Errorf("job %s: %v", job.ID, err)) //nolint:errorlint // hides the code of err
		}
		stuck[job.ID] = !progressed
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

// batchFailed records that a batch failed with err, so that other jobs precede its repetition. It counts the attempt unless
// err is an outage, and ends the job after maxAttempts.
func (s *Service) batchFailed(ctx context.Context, job AssignmentJob, err error) error {
	if ctx.Err() != nil {
		return err
	}
	counted := apperr.CodeOf(err) != apperr.DependencyUnavailable
	attempts, err := s.store.FailAttempt(ctx, job.ID, counted)
	if err != nil || !counted || attempts < maxAttempts {
		return err
	}
	_, err = s.store.ChangeJob(ctx, job.ID, func(j *AssignmentJob) error {
		if !j.Ended() {
			j.Fail("an internal error occurred", s.now())
		}
		return nil
	})
	return err
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
