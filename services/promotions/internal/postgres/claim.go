package postgres

import (
	"context"
	"errors"
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
		player, promotion).Query(scanInto(&a, scanAssignment))
	batch.Queue("SELECT "+promotionColumns+" FROM promotions WHERE id = $1", promotion).Query(scanInto(&p, scanPromotion))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return domain.Assignment{}, toAppError(err)
	}
	a.Promotion = &p
	return a, nil
}

// scanInto returns a function that scans exactly one row into dst.
func scanInto[T any](dst *T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*dst, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	}
}

// ClaimKey returns the promotion that the key is reserved for, or uuid.Nil if the key is not reserved.
func (s *Store) ClaimKey(ctx context.Context, player uuid.UUID, key string) (uuid.UUID, error) {
	var promotion uuid.UUID
	err := s.pool.QueryRow(ctx, "SELECT promotion_id FROM claim_keys WHERE user_id = $1 AND key = $2", player, key).
		Scan(&promotion)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return promotion, toAppError(err)
}

// ReserveClaimKey inserts the key. If calls insert the same key concurrently, one succeeds. The others wait for its commit
// and return its promotion.
func (s *Store) ReserveClaimKey(ctx context.Context, player uuid.UUID, key string, promotion uuid.UUID, at time.Time) (uuid.UUID, error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO claim_keys (user_id, key, promotion_id, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, key) DO NOTHING`, player, key, promotion, at)
	if err != nil {
		return uuid.Nil, toAppError(err)
	}
	if tag.RowsAffected() == 1 {
		return promotion, nil
	}
	return s.ClaimKey(ctx, player, key)
}

// MarkClaimed stores the transaction and the id of the claim. Only the first claim succeeds, because later claims find
// another claim_id. RecordEntry sets the transaction but leaves claim_id NULL, so a claim can still succeed after
// RecordEntry. The answer of the ledger to the claim takes precedence over the transaction that RecordEntry has set.
func (s *Store) MarkClaimed(ctx context.Context, id uuid.UUID, tx domain.Transaction, claimID string, at time.Time) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE player_promotions
		SET claimed = true, claimed_at = COALESCE(claimed_at, $4), transaction_id = $2, claim_id = $3
		WHERE id = $1 AND (claim_id IS NULL OR claim_id = $3)
		RETURNING `+assignmentColumns, id, tx.ID, claimID, at)
	if err != nil {
		return domain.Assignment{}, toAppError(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, toAppError(err)
	}
	if a, err = s.assignmentByID(ctx, id); err != nil {
		return domain.Assignment{}, err
	}
	return domain.Assignment{}, domain.AlreadyClaimed(a)
}

func (s *Store) assignmentByID(ctx context.Context, id uuid.UUID) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+assignmentColumns+" FROM player_promotions WHERE id = $1", id)
	if err != nil {
		return domain.Assignment{}, toAppError(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	return a, toAppError(err)
}
