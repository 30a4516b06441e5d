package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/cli"
)

// refusedCreditsSQL reads the promotional credits that were added while a restriction refused them: also those that pay a
// promotion without the purpose, as a ledger of an older release adds them. The numbers of the
// ledger's entries say which credits came after the restriction and before its end, so this does not depend on clocks. Only
// the end that a restriction was given compares times: those of one credit and of the restriction, as the ledger has
// compared them.
const refusedCreditsSQL = `
	SELECT t.id, t.user_id, t.seq, r.kind, r.created_at
	FROM restrictions r JOIN transactions t ON t.user_id = r.user_id AND t.seq > r.entries
	WHERE r.kind = ANY ($1) AND t.type = 'CREDIT' AND t.reverses IS NULL
		AND (t.purpose = 'PROMOTION' OR t.additional_data ? 'promotionId') AND (r.ended_at IS NULL OR t.seq <= r.ended_entries)
		AND (r.until IS NULL OR t.created_at < r.until)
	ORDER BY t.user_id, t.seq, r.created_at`

// refusedUntilSQL reads the users whose row, which the ledger reads, does not agree with their restrictions.
const refusedUntilSQL = `
	SELECT u.id, u.promotions_refused_until, COALESCE(r.until, 0)
	FROM users u FULL JOIN (
		SELECT user_id, max(CASE WHEN until IS NULL THEN 9223372036854775807
			ELSE (extract(epoch FROM until) * 1000000)::bigint END) AS until
		FROM restrictions WHERE ended_at IS NULL AND kind = ANY ($1) GROUP BY user_id
	) r ON r.user_id = u.id
	WHERE u.promotions_refused_until IS DISTINCT FROM COALESCE(r.until, 0) ORDER BY u.id`

// restrictions checks that no promotional credit was added while a restriction of the player refused it, and that the ledger
// knows the restrictions.
func restrictions(ctx context.Context, s Sources, r *report) (string, error) {
	var n int64
	err := snapshot(ctx, s.Users, func(tx pgx.Tx) error {
		if known, err := hasColumn(ctx, tx, "restrictions", "entries"); err != nil || !known {
			return err
		}
		if known, err := hasColumn(ctx, tx, "transactions", "purpose"); err != nil || !known {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM restrictions").Scan(&n); err != nil {
			return err
		}
		if err := refusedCredits(ctx, tx, r); err != nil {
			return err
		}
		return refusedUntil(ctx, tx, r)
	})
	return cli.Count(n, "restriction", "restrictions"), err
}

func refusedCredits(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx, refusedCreditsSQL, kindsWith((*optionsv1.RestrictionKindRules).GetRefusesPromotions))
	if err != nil {
		return err
	}
	var id, user, last uuid.UUID
	var seq int64
	var kind string
	var since time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &user, &seq, &kind, &since}, func() error {
		if id != last { // a credit that several restrictions refuse is one violation
			r.violationf("transaction %s of user %s, number %d: a promotional credit after the restriction %s of %s",
				id, user, seq, kind, since.UTC().Format(time.RFC3339))
		}
		last = id
		return nil
	})
	return err
}

func refusedUntil(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx, refusedUntilSQL, kindsWith((*optionsv1.RestrictionKindRules).GetRefusesPromotions))
	if err != nil {
		return err
	}
	var user *uuid.UUID // nil for restrictions of a user who does not exist
	var stored *int64
	var want int64
	_, err = pgx.ForEachRow(rows, []any{&user, &stored, &want}, func() error {
		if user == nil {
			r.violationf("a user with restrictions does not exist")
			return nil
		}
		r.violationf("user %s: the ledger refuses promotional credits until %s, but the restrictions say %s",
			user, microseconds(*stored), microseconds(want))
		return nil
	})
	return err
}

// microseconds returns the text of a time in microseconds since 1970, as in the column promotions_refused_until.
func microseconds(us int64) string {
	switch us {
	case 0:
		return "never"
	case 1<<63 - 1:
		return "for ever"
	default:
		return time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
	}
}
