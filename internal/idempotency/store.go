package idempotency

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

const (
	// Retention is how long an answer is kept at least.
	Retention = 72 * time.Hour
	// PruneBatch is the maximum number of answers that are deleted at once. It limits how long the rows are locked.
	PruneBatch = 5000

	pruneInterval = time.Hour
	pruneTimeout  = time.Minute
)

// Store stores answers in PostgreSQL. It is safe for concurrent use.
type Store struct{ pool *pgxpool.Pool }

// NewStore returns a store on a migrated database.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool} }

// Find returns the answer with the id. It returns false if there is none.
func (s *Store) Find(ctx context.Context, id uuid.UUID) (Answer, bool, error) {
	a := Answer{ID: id}
	err := s.pool.QueryRow(ctx, `SELECT request, answer, existing FROM idempotency_keys WHERE id = $1`, id).
		Scan(&a.Request, &a.Message, &a.Existing)
	if errors.Is(err, pgx.ErrNoRows) {
		return Answer{}, false, nil
	}
	return a, err == nil, failure(err)
}

// Add stores an answer, unless an answer with the same id is stored. It reports whether it has stored the answer.
func (s *Store) Add(ctx context.Context, a Answer) (bool, error) {
	added, err := add(ctx, s.pool, a)
	return added, failure(err)
}

func add(ctx context.Context, db postgres.Execer, a Answer) (bool, error) {
	tag, err := db.Exec(ctx, `INSERT INTO idempotency_keys (id, request, answer, existing, created_at)
		VALUES ($1, $2, $3, $4, now()) ON CONFLICT (id) DO NOTHING`, a.ID, []byte(a.Request), a.Message, a.Existing)
	return tag.RowsAffected() == 1, err
}

func failure(err error) error {
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(err)
	}
	return err
}

// Prune deletes the answers that are older than age and returns their number. It may run concurrently.
func (s *Store) Prune(ctx context.Context, age time.Duration) (deleted int64, err error) {
	for {
		tag, err := s.pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE id = ANY(ARRAY(
			SELECT id FROM idempotency_keys WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))`,
			age, PruneBatch)
		if err != nil {
			return deleted, err
		}
		deleted += tag.RowsAffected()
		if tag.RowsAffected() < PruneBatch {
			return deleted, nil
		}
	}
}

// Pruner deletes old answers.
type Pruner interface {
	// Prune deletes the answers that are older than age and returns their number.
	Prune(ctx context.Context, age time.Duration) (deleted int64, err error)
}

// RunPruning deletes all answers that are older than Retention, immediately and then every hour, until ctx ends. It logs
// errors and always returns nil. Every replica may run it.
func RunPruning(ctx context.Context, p Pruner, log *slog.Logger) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, pruneTimeout)
		deleted, err := p.Prune(attempt, Retention)
		late := errors.Is(attempt.Err(), context.DeadlineExceeded)
		cancel()
		if err != nil && late && deleted > 0 {
			continue // more answers are left
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("pruning the idempotency keys failed", "error", err)
		}
		if backoff.Sleep(ctx, pruneInterval) != nil {
			return nil //nolint:nilerr // ctx ended
		}
	}
}
