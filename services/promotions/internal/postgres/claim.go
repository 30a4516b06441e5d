package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Assignment reads an assignment and its promotion in one round trip.
func (s *Store) Assignment(ctx context.Context, player, promotion uuid.UUID) (domain.Assignment, error) {
	var a domain.Assignment
	var p domain.Promotion
	batch := &pgx.Batch{}
	batch.Queue("SELECT "+assignmentColumns+" FROM player_promotions WHERE user_id = $1 AND promotion_id = $2",
		player, promotion).Query(into(&a, scanAssignment))
	batch.Queue("SELECT "+promotionColumns+" FROM promotions WHERE id = $1", promotion).Query(into(&p, scanPromotion))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return domain.Assignment{}, fail(err)
	}
	a.Promotion = &p
	return a, nil
}

func into[T any](dst *T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*dst, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	}
}

// ClaimKey reads which promotion the player's key belongs to. Replicas of a release before claim_keys note a key with the
// claim alone.
func (s *Store) ClaimKey(ctx context.Context, player uuid.UUID, key string) (uuid.UUID, error) {
	var promotion uuid.UUID
	err := s.pool.QueryRow(ctx,
		`SELECT promotion_id FROM claim_keys WHERE user_id = $1 AND key = $2
		UNION ALL SELECT promotion_id FROM player_promotions WHERE user_id = $1 AND claim_key = 'key:' || $2
		LIMIT 1`, player, key).Scan(&promotion)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return promotion, fail(err)
}

// TakeClaimKey inserts the key. Of several that do so at once, one does, and the others wait until it has.
func (s *Store) TakeClaimKey(ctx context.Context, player uuid.UUID, key string, promotion uuid.UUID, at time.Time) (uuid.UUID, error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO claim_keys (user_id, key, promotion_id, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, key) DO NOTHING`, player, key, promotion, at)
	if err != nil {
		return uuid.Nil, fail(err)
	}
	if tag.RowsAffected() == 1 {
		return promotion, nil
	}
	return s.ClaimKey(ctx, player, key)
}

// MarkClaimed gives the assignment to the first claim that asks: claim_key is NULL until a claim was answered, also where
// the ledger's event came before the claim's own mark.
func (s *Store) MarkClaimed(ctx context.Context, id uuid.UUID, tx domain.Transaction, name string, at time.Time) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE player_promotions
		SET claimed = true, claimed_at = COALESCE(claimed_at, $4), transaction_id = $2, claim_key = $3
		WHERE id = $1 AND (claim_key IS NULL OR claim_key = $3) AND (transaction_id IS NULL OR transaction_id = $2)
		RETURNING `+assignmentColumns, id, tx.ID, name, at)
	if err != nil {
		return domain.Assignment{}, fail(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, fail(err)
	}
	if a, err = s.assignment(ctx, id); err != nil {
		return domain.Assignment{}, err
	}
	if a.TransactionID != tx.ID {
		return domain.Assignment{}, fmt.Errorf("assignment %s was paid by %s, and by %s", id, a.TransactionID, tx.ID)
	}
	return domain.Assignment{}, domain.AlreadyClaimed(a)
}

func (s *Store) assignment(ctx context.Context, id uuid.UUID) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+assignmentColumns+" FROM player_promotions WHERE id = $1", id)
	if err != nil {
		return domain.Assignment{}, fail(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	return a, fail(err)
}
