package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// SecondFactor reads the second factor of a user. It returns the zero value if the user has none.
func (s *Store) SecondFactor(ctx context.Context, user uuid.UUID) (users.SecondFactor, error) {
	var f users.SecondFactor
	var recovery string
	err := s.pool.QueryRow(ctx, `SELECT id, secret, recovery_codes, active, last_step, verified_session, verified_at,
		created_at FROM second_factors WHERE id = $1`, user).Scan(&f.User, &f.Secret, &recovery, &f.Active, &f.LastStep,
		(*columns.UUID)(&f.VerifiedSession), (*columns.Time)(&f.VerifiedAt), (*columns.Time)(&f.CreatedAt))
	if errors.Is(err, pgx.ErrNoRows) {
		return users.SecondFactor{}, nil
	}
	f.RecoveryCodes = strings.Fields(recovery)
	return f, toAppError(err)
}

// EnrolSecondFactor stores a factor that is not active, in place of an earlier one that is not active. It returns false if
// the user has an active factor.
func (s *Store) EnrolSecondFactor(ctx context.Context, f users.SecondFactor) (bool, error) {
	return s.changeFactor(ctx, factorChange{user: f.User}, `
		INSERT INTO second_factors AS f (id, secret, recovery_codes, active, last_step, created_at)
		VALUES ($1, $2, $3, false, 0, $4)
		ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, recovery_codes = excluded.recovery_codes,
			last_step = 0, created_at = excluded.created_at
		WHERE NOT f.active`, f.User, f.Secret, strings.Join(f.RecoveryCodes, " "), f.CreatedAt)
}

// ConfirmSecondFactor activates the factor that the code was compared with, and marks the user's sessions for ending, except
// the session of the proof. If the sessions are already marked, that session ends too, unless the mark keeps it. It returns
// false if there is no such factor, or if it is active.
func (s *Store) ConfirmSecondFactor(ctx context.Context, p users.FactorProof) (bool, error) {
	return s.changeFactor(ctx, factorChange{
		user: p.User, before: map[string]any{"active": false}, after: map[string]any{"active": true},
		answer: &usersv1.ConfirmMyTotpResponse{},
	}, `
		WITH confirmed AS (
			UPDATE second_factors SET active = true, last_step = $3, verified_session = $4, verified_at = $5
			WHERE id = $1 AND secret = $2 AND NOT active AND last_step < $3
			RETURNING id
		)
		UPDATE users SET sessions_to_end = true, status_version = status_version + 1,
			kept_session = CASE WHEN sessions_to_end AND kept_session IS DISTINCT FROM $4 THEN NULL ELSE $4 END
		WHERE id IN (SELECT id FROM confirmed)`, p.User, p.Secret, p.Step, p.Session, p.At)
}

// unused is the condition that the code of a proof was not used before. The lock on the row orders concurrent statements.
const unused = `id = $1 AND secret = $2 AND active AND
	CASE WHEN $4 = '' THEN last_step < $3 ELSE $4 = ANY (string_to_array(recovery_codes, ' ')) END`

// UseSecondFactor uses up a code of an active factor. It returns false if the code was used before.
func (s *Store) UseSecondFactor(ctx context.Context, p users.FactorProof) (bool, error) {
	return s.changeFactor(ctx, factorChange{user: p.User, answer: &usersv1.VerifyMyTotpResponse{}}, `
		UPDATE second_factors SET last_step = greatest(last_step, $3), verified_session = $5, verified_at = $6,
			recovery_codes = array_to_string(array_remove(string_to_array(recovery_codes, ' '), $4), ' ')
		WHERE `+unused, p.User, p.Secret, p.Step, p.RecoveryCode, p.Session, p.At)
}

// DisableSecondFactor removes an active factor. It returns false if the code was used before.
func (s *Store) DisableSecondFactor(ctx context.Context, p users.FactorProof) (bool, error) {
	removed := factorChange{user: p.User, before: map[string]any{"active": true}, answer: &usersv1.DisableMyTotpResponse{}}
	return s.changeFactor(ctx, removed, "DELETE FROM second_factors WHERE "+unused,
		p.User, p.Secret, p.Step, p.RecoveryCode)
}

// ResetSecondFactor removes the factor of a user, if there is one.
func (s *Store) ResetSecondFactor(ctx context.Context, user uuid.UUID) error {
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var active bool
		err := tx.QueryRow(ctx, "DELETE FROM second_factors WHERE id = $1 RETURNING active", user).Scan(&active)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		removed := factorChange{user: user, before: map[string]any{"active": active}, answer: &usersv1.ResetTotpResponse{}}
		return removed.record(ctx, tx)
	})
	return toAppError(err)
}

// factorChange describes a change of a factor. The answer is that of the method, or nil if it must not be stored.
type factorChange struct {
	user          uuid.UUID
	before, after map[string]any
	answer        proto.Message
}

// changeFactor runs a statement that changes at most one row. If it changes one, changeFactor records the act in ctx, stores
// the answer and returns true.
func (s *Store) changeFactor(ctx context.Context, c factorChange, sql string, args ...any) (changed bool, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		changed = err == nil && tag.RowsAffected() == 1
		if !changed {
			return err
		}
		return c.record(ctx, tx)
	})
	return changed && err == nil, toAppError(err)
}

// record records the act in ctx and stores the answer.
func (c factorChange) record(ctx context.Context, tx pgx.Tx) error {
	if err := record(ctx, tx, audit.Change{Target: c.user, Before: c.before, After: c.after}, nil); err != nil {
		return err
	}
	if c.answer == nil {
		return nil
	}
	return idempotency.Save(ctx, tx, c.answer)
}
