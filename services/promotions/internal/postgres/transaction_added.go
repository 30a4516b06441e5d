package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// RecordEntry records an entry together with the entries of concurrent calls; see groups.
func (s *Store) RecordEntry(ctx context.Context, r domain.RecordParams) (domain.Recorded, error) {
	recorded, err := s.entries.do(ctx, r)
	return recorded, toAppError(err)
}

// recordCall is a call of RecordEntry.
type recordCall = groupCall[domain.RecordParams, domain.Recorded]

// lockPaidSQL locks the claims of the promotions whose assignments markPaidSQL marks; see lockClaims.
const lockPaidSQL = `
	SELECT pg_advisory_xact_lock(hashtextextended('claims ' || p.id, 0))
	FROM (SELECT DISTINCT promotion_id AS id FROM player_promotions WHERE id = ANY ($1) AND NOT claimed ORDER BY 1) p`

// markPaidSQL marks the assignments of the confirmed entries of a group as claimed. It leaves claim_id NULL, so that the
// player's next claim succeeds and returns the transaction. It is a separate statement after lockPaidSQL and before
// recordSQL: it sees the assignments that a concurrent ConfirmClaim has stored, and so does recordSQL.
const markPaidSQL = `
	UPDATE player_promotions a SET claimed = true, transaction_id = e.transaction_id,
	  claimed_at = COALESCE((SELECT r.reserved_at FROM claim_reservations r WHERE r.id = a.id), e.at)
	FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[])
	  AS e(assignment, transaction_id, user_id, amount, at)
	WHERE a.id = e.assignment AND NOT a.claimed AND a.user_id = e.user_id AND a.amount = e.amount * 0.01`

// entryConsumer is the consumer name of ledger entries in the inbox. It differs from consumer, because there are far more
// entries than other events, and the inbox keeps them for a shorter time.
const entryConsumer = "promotions.transactions"

// recordSQL records the events of a group in the inbox, counts the entries of new events, and returns a row for each entry,
// in order. It does not record an unconfirmed entry whose assignment is not claimed. Amounts are in hundredths. All
// transactions lock the rows of the inbox and the windows in the same order.
const recordSQL = `
	WITH entry AS (
	  SELECT e.*, NOT e.confirmed AND EXISTS (
	    SELECT FROM player_promotions a WHERE a.id = e.assignment AND NOT a.claimed) AS unconfirmed
	  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::int[], $7::timestamptz[],
	      $8::timestamptz[], $10::boolean[])
	    WITH ORDINALITY AS e(event_id, user_id, assignment, promotion, amount, length, start, earlier_from, confirmed, n)
	), new AS (
	  INSERT INTO inbox (consumer, event_id, handled_at)
	  SELECT '` + entryConsumer + `', event_id, now()
	  FROM (SELECT DISTINCT event_id FROM entry WHERE NOT unconfirmed) e ORDER BY event_id
	  ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id
	), new_entry AS (
	  SELECT DISTINCT ON (event_id) * FROM entry JOIN new USING (event_id) WHERE start IS NOT NULL
	), subject AS (
	  SELECT 'PLAYER_ENTRIES' AS scope, user_id AS id, length, start, amount FROM new_entry
	  UNION ALL
	  SELECT 'PROMOTION_CREDITS', promotion, length, start, amount FROM new_entry WHERE promotion IS NOT NULL
	), counted AS (
	  INSERT INTO anomaly_windows AS w (scope, subject, length, start, entries, amount)
	  SELECT scope, id, length, start, count(*), sum(amount) * 0.01 FROM subject
	  GROUP BY scope, id, length, start ORDER BY scope, id, length, start
	  ON CONFLICT (scope, subject, length, start) DO UPDATE
	  SET entries = w.entries + excluded.entries, amount = w.amount + excluded.amount
	  RETURNING scope, subject, start, entries, (amount * 100)::bigint AS amount
	)
	SELECT new.event_id IS NOT NULL, e.unconfirmed, a.user_id, (a.amount * 100)::bigint, a.transaction_id,
	  player.entries, player.amount, promotion.entries, promotion.amount, earlier.entries, earlier.since
	FROM entry e
	LEFT JOIN new ON new.event_id = e.event_id
	LEFT JOIN player_promotions a ON a.id = e.assignment
	LEFT JOIN counted player ON player.scope = 'PLAYER_ENTRIES' AND player.subject = e.user_id AND player.start = e.start
	LEFT JOIN counted promotion
	  ON promotion.scope = 'PROMOTION_CREDITS' AND promotion.subject = e.promotion AND promotion.start = e.start
	LEFT JOIN LATERAL (
	  SELECT sum(w.entries) FILTER (WHERE w.start >= e.earlier_from)::bigint AS entries, min(w.start) AS since
	  FROM anomaly_windows w
	  WHERE promotion.entries >= $9 AND w.scope = 'PROMOTION_CREDITS' AND w.subject = e.promotion AND w.length = e.length
	    AND w.start < e.start
	) earlier ON true
	ORDER BY e.n`

// planSQL makes the transaction keep one generic plan of each statement. Planning recordSQL for each group would take longer
// than executing it. PostgreSQL may make the plan while the tables are empty, when it would not choose the indexes; the
// enable settings make every plan use them.
const planSQL = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	` + timeoutsSQL

// commitEntries records the entries of a group in one transaction and sets the results of the calls.
func (s *Store) commitEntries(ctx context.Context, group []*recordCall) error {
	var results []domain.Recorded
	err := postgres.Retry(ctx, func() error {
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) (err error) {
			results, err = commitGroup(ctx, conn, group)
			return err // after an error, the pool closes the connection, which rolls back
		})
	})
	if err != nil {
		return err
	}
	for i, c := range group {
		c.result = results[i]
	}
	return nil
}

// commitGroup runs a transaction in two round trips and returns the result of each call.
func commitGroup(ctx context.Context, conn *pgxpool.Conn, group []*recordCall) ([]domain.Recorded, error) {
	observed, err := observe(ctx, conn, group)
	if err != nil {
		return nil, err
	}
	results := make([]domain.Recorded, len(group))
	var found []foundAnomaly
	for i, o := range observed {
		results[i].Assignment, results[i].Unconfirmed = o.Assignment, o.unconfirmed
		if !o.isNew {
			continue
		}
		anomalies, err := group[i].params.Judge(o.Observation)
		if err != nil {
			return nil, err
		}
		for _, a := range anomalies {
			found = append(found, foundAnomaly{a, i})
		}
	}
	commit := &pgx.Batch{}
	queueAnomalies(commit, found, results)
	commit.Queue("COMMIT")
	return results, conn.SendBatch(ctx, commit).Close()
}

// observation is a row of recordSQL.
type observation struct {
	domain.Observation
	isNew bool // the event is delivered for the first time
	// unconfirmed is true if the entry was not recorded; see domain.Recorded.
	unconfirmed bool
}

// observe begins the transaction and records the entries.
func observe(ctx context.Context, conn *pgxpool.Conn, group []*recordCall) ([]observation, error) {
	a := newEntryArrays(group)
	var observed []observation
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(planSQL)
	if slices.Contains(a.confirmed, true) { // usually, the claim has marked its assignment
		batch.Queue(lockPaidSQL, a.confirmedAssignments)
		batch.Queue(markPaidSQL, a.confirmedAssignments, a.transactions, a.users, a.amounts, a.claimedAt)
	}
	batch.Queue(recordSQL, a.events, a.users, a.assignments, a.promotions, a.amounts, a.lengths, a.starts, a.earlierFrom,
		group[0].params.EarlierMinimum, a.confirmed).Query(func(rows pgx.Rows) (err error) {
		observed, err = pgx.CollectRows(rows, scanObservation)
		return err
	})
	return observed, conn.SendBatch(ctx, batch).Close()
}

// entryArrays are the parameters of markPaidSQL and recordSQL.
type entryArrays struct {
	events                                       []string
	users, assignments, promotions, transactions []pgtype.UUID
	amounts                                      []int64
	lengths                                      []int32
	starts, earlierFrom, claimedAt               []pgtype.Timestamptz
	confirmed                                    []bool
	confirmedAssignments                         []pgtype.UUID // NULL for an unconfirmed entry
}

func newEntryArrays(group []*recordCall) entryArrays {
	var a entryArrays
	for _, c := range group {
		p := c.params
		a.events = append(a.events, p.EventID)
		a.users = append(a.users, nullableUUID(p.Transaction.UserID))
		a.assignments = append(a.assignments, nullableUUID(p.Assignment))
		a.promotions = append(a.promotions, nullableUUID(p.Promotion))
		a.transactions = append(a.transactions, nullableUUID(p.Transaction.ID))
		a.amounts = append(a.amounts, int64(p.Transaction.Amount))
		a.lengths = append(a.lengths, int32(p.Window.Length/time.Second))
		a.starts = append(a.starts, nullableTime(p.Window.Start))
		a.earlierFrom = append(a.earlierFrom, nullableTime(p.EarlierFrom))
		a.claimedAt = append(a.claimedAt, nullableTime(p.ClaimedAt))
		a.confirmed = append(a.confirmed, p.Confirmed)
		confirmed := uuid.Nil
		if p.Confirmed {
			confirmed = p.Assignment
		}
		a.confirmedAssignments = append(a.confirmedAssignments, nullableUUID(confirmed))
	}
	return a
}

func nullableUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

func nullableTime(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

// scanObservation reads a row of recordSQL.
func scanObservation(row pgx.CollectableRow) (observation, error) {
	var o observation
	var paid domain.PaidAssignment
	var paidAmount, playerEntries, playerAmount, promotionEntries, promotionAmount, earlierEntries *int64
	err := row.Scan(&o.isNew, &o.unconfirmed, (*columns.UUID)(&paid.UserID), &paidAmount, (*columns.UUID)(&paid.TransactionID),
		&playerEntries, &playerAmount, &promotionEntries, &promotionAmount, &earlierEntries, (*columns.Time)(&o.Earlier.Since))
	if paidAmount != nil {
		paid.Amount = money.Amount(*paidAmount)
		o.Assignment = &paid
	}
	o.Player = totals(playerEntries, playerAmount)
	o.Promotion = totals(promotionEntries, promotionAmount)
	o.Earlier.Entries = columns.ZeroIfNil(earlierEntries)
	return o, err
}

func totals(entries, amount *int64) domain.WindowTotals {
	return domain.WindowTotals{Entries: columns.ZeroIfNil(entries), Amount: money.Amount(columns.ZeroIfNil(amount))}
}

// foundAnomaly is an anomaly that an entry reveals.
type foundAnomaly struct {
	domain.Anomaly
	call int // the index in the group of the call that records the entry
}

// queueAnomalies queues an INSERT statement for each rule, subject and window. If the anomaly is new for them, it is stored
// and added to the result of its call.
func queueAnomalies(batch *pgx.Batch, found []foundAnomaly, results []domain.Recorded) {
	order := func(a, b foundAnomaly) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), bytes.Compare(a.Subject[:], b.Subject[:]), a.WindowStart.Compare(b.WindowStart))
	}
	slices.SortStableFunc(found, order) // all transactions insert in the same order
	found = slices.CompactFunc(found, func(a, b foundAnomaly) bool { return order(a, b) == 0 })
	for _, a := range found {
		batch.Queue(`INSERT INTO anomalies (`+anomalyColumns+`) VALUES (`+columns.Placeholders(anomalyColumns, 1)+`)
			ON CONFLICT (rule, subject, window_start) DO NOTHING`, anomalyValues(a.Anomaly)...).
			Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() == 1 {
					results[a.call].Anomalies = append(results[a.call].Anomalies, a.Anomaly)
				}
				return nil
			})
	}
}
