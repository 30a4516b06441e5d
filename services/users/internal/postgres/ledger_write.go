package postgres

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/services/users"
)

// writeSQL writes the balances, transactions and events of players in one statement. It writes either all rows of a player
// or none. It skips a player if the stored account differs from the account that the rows were computed from, or if one of
// the player's idempotency keys already exists, or if the time limit of the player's rows has passed. It returns the
// positions of the written players in the arrays. The first position is 1.
//
//   - It locks players in the order of the array, so concurrent groups cannot deadlock. If another database transaction
//     is changing a player, the lock waits until that transaction ends, and the statement then compares again.
//   - If another database transaction adds an idempotency key after this statement's snapshot, the key violates the unique
//     index and the whole statement fails.
//   - A trigger of the table transactions checks the new rows and updates the players; see atlas/users.
//   - It fills the outbox after it has locked the players, in the order of each player's entries. Therefore the outbox ids
//     of a player's events ascend in the order of the entries, across all groups and replicas.
//   - It reads the clock after it has locked the players, so that a call of SettledTransaction that held a lock first has
//     decided for both.
//   - The balances and amounts in the arrays are in hundredths.
const writeSQL = writeRows + writtenPlayers

// auditedSQL does the same as writeSQL, and also adds the entries of the audit trail about the rows.
const auditedSQL = writeRows + `, audited AS (
	INSERT INTO audit (` + auditEntryColumns + `)
	SELECT ` + auditEntryColumns + ` FROM jsonb_to_recordset($29::jsonb) AS a (n int, id uuid, at timestamptz, service text,
		actor uuid, action text, target uuid, address text, session uuid, outcome text, before jsonb, after jsonb,
		long_term boolean)
	WHERE a.n = ANY (ARRAY(SELECT n FROM writable))
)` + writtenPlayers

// writtenPlayers is the result of the statement.
const writtenPlayers = `
SELECT n FROM writable`

// writeRows contains the common table expressions of writeSQL.
const writeRows = `WITH entry AS MATERIALIZED (
	SELECT * FROM unnest($6::int[], $7::uuid[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::text[],
		$13::text[], $14::text[], $15::bytea[], $16::uuid[], $17::text[], $18::bytea[], $19::text[], $28::text[])
	AS e (n, id, seq, type, amount, balance_after, description, data, key, hash, reverses, mac, payload, traceparent, purpose)
), locked AS MATERIALIZED (
	SELECT p.n::int AS n, p.not_after
	FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $27::bigint[], $26::timestamptz[])
		WITH ORDINALITY AS p (id, balance, entries, head, is_active, refused_until, not_after, n)
	JOIN users u ON u.id = p.id
	WHERE u.balance = p.balance * 0.01 AND u.entries = p.entries AND u.ledger_head = p.head
		AND u.is_active = p.is_active AND u.promotions_refused_until = p.refused_until AND u.role = 'PLAYER' AND p.n <> ALL (ARRAY(
			SELECT e.n FROM entry e WHERE (SELECT true FROM transactions t WHERE t.idempotency_key = e.key)))
	FOR NO KEY UPDATE OF u
), writable AS MATERIALIZED (
	SELECT n FROM locked WHERE clock_timestamp() <= not_after
), inserted AS (
	INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
		idempotency_key, content_hash, reverses, mac, purpose)
	SELECT e.id, ($1::uuid[])[e.n], e.seq, e.type, e.amount * 0.01, e.balance_after * 0.01, e.description,
		e.data::jsonb, $20, e.key, e.hash, NULLIF(e.reverses, '` + noUUID + `'), e.mac, e.purpose
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM writable))
), appended AS (
	INSERT INTO outbox (event_id, shard, topic, key, type, source, content_type, payload, time, traceparent)
	SELECT e.id, ($21::smallint[])[e.n], $22, ($1::uuid[])[e.n]::text, $23, $24, $25, e.payload, $20, e.traceparent
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM writable))
	ORDER BY e.n, e.seq
)`

// noUUID is uuid.Nil, which stands for NULL in the arrays.
const noUUID = "00000000-0000-0000-0000-000000000000"

// writeStatement returns the statement that writes the rows of players, and its arguments; see writeArgs.
func writeStatement(players []*playerCalls, now time.Time) (sql string, args []any, err error) {
	var entries []map[string]any
	for i, p := range players {
		for _, r := range p.rows {
			if e := r.audit; e != nil {
				entries = append(entries, map[string]any{
					"n": i + 1, "id": e.ID, "at": e.At, "service": e.Service, "actor": nullable(e.Actor), "action": e.Action,
					"target": nullable(e.Target), "address": e.Address, "session": nullable(e.Session), "outcome": e.Outcome,
					"before": e.Before, "after": e.After, "long_term": e.LongTerm,
				})
			}
		}
	}
	args = writeArgs(players, now)
	if entries == nil {
		return writeSQL, args, nil
	}
	data, err := json.Marshal(entries)
	return auditedSQL, append(args, string(data)), err
}

// nullable returns an id as a JSON value, or nil for uuid.Nil.
func nullable(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}

// writeArgs returns the arguments of writeSQL. Each player must have at least one row. Players must be sorted by id.
func writeArgs(players []*playerCalls, now time.Time) []any {
	n, entries := len(players), 0
	for _, p := range players {
		entries += len(p.rows)
	}
	playerIDs := newArray(pgtype.UUIDOID, n, 16)
	balances, counts := newArray(pgtype.Int8OID, n, 8), newArray(pgtype.Int8OID, n, 8)
	heads, active := newArray(pgtype.TextOID, n, ledgerchain.Size), newArray(pgtype.BoolOID, n, 1)
	shards, refusedUntil := newArray(pgtype.Int2OID, n, 2), newArray(pgtype.Int8OID, n, 8)

	positions, transactionIDs := newArray(pgtype.Int4OID, entries, 4), newArray(pgtype.UUIDOID, entries, 16)
	seqs, types := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.TextOID, entries, 6)
	amounts, entryBalances := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.Int8OID, entries, 8)
	descriptions, data := newArray(pgtype.TextOID, entries, 64), newArray(pgtype.TextOID, entries, 64)
	keys, hashes := newArray(pgtype.TextOID, entries, 36), newArray(pgtype.ByteaOID, entries, sha256.Size)
	reverses, macs := newArray(pgtype.UUIDOID, entries, 16), newArray(pgtype.TextOID, entries, ledgerchain.Size)
	payloads, traceparents, purposes := newArray(pgtype.ByteaOID, entries, 384), newArray(pgtype.TextOID, entries, 0),
		newArray(pgtype.TextOID, entries, len(users.TransactionPurposePromotion))

	for i, p := range players {
		playerIDs.addBytes(p.user[:])
		balances.addInt64(int64(p.before.balance))
		counts.addInt64(p.before.entries)
		heads.addText(p.before.head)
		active.addBool(p.before.active)
		refusedUntil.addInt64(p.before.refusedUntil)
		shards.addInt16(outbox.Shard(p.rows[0].event.Key))
		for _, r := range p.rows {
			positions.addInt32(int32(i + 1))
			transactionIDs.addBytes(r.tx.ID[:])
			seqs.addInt64(r.tx.Seq)
			types.addText(string(r.tx.Type))
			amounts.addInt64(int64(r.tx.Amount))
			entryBalances.addInt64(int64(r.tx.BalanceAfter))
			descriptions.addText(r.tx.Description)
			data.addBytes(r.data)
			keys.addText(r.tx.IdempotencyKey)
			hashes.addBytes(r.tx.ContentHash)
			reverses.addBytes(r.tx.Reverses[:])
			macs.addText(r.tx.Mac)
			payloads.addBytes(r.event.Data)
			traceparents.addText(r.event.Traceparent)
			purposes.addText(r.tx.Purpose)
		}
	}
	event := players[0].rows[0].event // topic, type, source and content type are the same for all events
	return []any{
		playerIDs, balances, counts, heads, active,
		positions, transactionIDs, seqs, types, amounts, entryBalances, descriptions, data, keys, hashes, reverses, macs,
		payloads, traceparents, now, shards, event.Topic, event.Type, event.Source, event.ContentType, timeLimits(players),
		refusedUntil, purposes,
	}
}

// timeLimits returns the time limit of each player's rows.
func timeLimits(players []*playerCalls) array {
	limits := newArray(pgtype.TimestamptzOID, len(players), 8)
	for _, p := range players {
		limits.addInt64(notAfter(p))
	}
	return limits
}

// postgresEpoch is the time 0 of PostgreSQL's binary format, in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

// notAfter returns the earliest time limit of a player's rows in PostgreSQL's binary format.
func notAfter(p *playerCalls) int64 {
	earliest := int64(math.MaxInt64) // infinity
	for _, r := range p.rows {
		if !r.notAfter.IsZero() {
			earliest = min(earliest, r.notAfter.UnixMicro()-postgresEpoch)
		}
	}
	return earliest
}
