package postgres

import (
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

// writeSQL writes works, one statement and thereby one transaction: the balances, the transactions, the events. A work is
// written as a whole or, if its player's account is not what it was settled from, or one of its keys is in use, not at
// all. It returns the numbers of those that were written, from 1.
//
//   - Players are updated in the order of the array, so that groups cannot deadlock. Where another transaction changed a
//     player meanwhile, the update waits for it and compares again.
//   - A key that was taken after this statement's snapshot breaks the unique index and the whole statement with it.
//   - The outbox is filled in the order of a player's entries, after the player's row is locked: a player's events have
//     ascending ids in the order of their entries, over all groups and replicas.
//   - Amounts travel as hundredths.
const writeSQL = `WITH entry AS MATERIALIZED (
	SELECT * FROM unnest($6::int[], $7::uuid[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[],
		$12::text[], $13::text[], $14::text[], $15::bytea[], $16::bytea[])
	AS e (n, id, seq, type, amount, balance_after, description, data, key, hash, payload)
), moved AS (
	UPDATE users u SET balance = w.balance_after * 0.01, entries = w.entries_after
	FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY
		AS w (id, balance, entries, balance_after, entries_after, n)
	WHERE u.id = w.id AND u.balance = w.balance * 0.01 AND u.entries = w.entries AND u.is_active AND u.role = 'PLAYER'
		AND w.n <> ALL (ARRAY(
			SELECT e.n FROM entry e WHERE (SELECT true FROM transactions t WHERE t.idempotency_key = e.key)))
	RETURNING w.n::int AS n
), added AS (
	INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
		idempotency_key, content_hash)
	SELECT e.id, ($1::uuid[])[e.n], e.seq, e.type, e.amount * 0.01, e.balance_after * 0.01, e.description,
		e.data::jsonb, $17, e.key, e.hash
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM moved))
), announced AS (
	INSERT INTO outbox (event_id, shard, topic, key, type, source, content_type, payload, time)
	SELECT e.id, ($18::smallint[])[e.n], $19, ($1::uuid[])[e.n]::text, $20, $21, $22, e.payload, $17
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM moved))
	ORDER BY e.n, e.seq
)
SELECT n FROM moved`

// writeArgs returns the arguments of writeSQL. Works have rows, and are in the order of their users.
func writeArgs(works []*work, now time.Time) []any {
	n, entries := len(works), 0
	for _, w := range works {
		entries += len(w.rows)
	}
	players := newArray(pgtype.UUIDOID, n, 16)
	balances, counts := newArray(pgtype.Int8OID, n, 8), newArray(pgtype.Int8OID, n, 8)
	balancesAfter, countsAfter := newArray(pgtype.Int8OID, n, 8), newArray(pgtype.Int8OID, n, 8)
	shards := newArray(pgtype.Int2OID, n, 2)

	numbers, ids := newArray(pgtype.Int4OID, entries, 4), newArray(pgtype.UUIDOID, entries, 16)
	seqs, types := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.TextOID, entries, 6)
	amounts, results := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.Int8OID, entries, 8)
	descriptions, data := newArray(pgtype.TextOID, entries, 64), newArray(pgtype.TextOID, entries, 64)
	keys, hashes := newArray(pgtype.TextOID, entries, 36), newArray(pgtype.ByteaOID, entries, sha256.Size)
	payloads := newArray(pgtype.ByteaOID, entries, 384)

	for i, w := range works {
		players.addBytes(w.user[:])
		balances.addInt64(int64(w.before.balance))
		counts.addInt64(w.before.entries)
		balancesAfter.addInt64(int64(w.after.balance))
		countsAfter.addInt64(w.after.entries)
		shards.addInt16(outbox.Shard(w.rows[0].event.Key))
		for _, r := range w.rows {
			numbers.addInt32(int32(i + 1))
			ids.addBytes(r.tx.ID[:])
			seqs.addInt64(r.tx.Seq)
			types.addText(string(r.tx.Type))
			amounts.addInt64(int64(r.tx.Amount))
			results.addInt64(int64(r.tx.BalanceAfter))
			descriptions.addText(r.tx.Description)
			data.addBytes(r.data)
			keys.addText(r.tx.IdempotencyKey)
			hashes.addBytes(r.tx.ContentHash)
			payloads.addBytes(r.event.Data)
		}
	}
	event := works[0].rows[0].event // all are of one topic and type
	return []any{
		players, balances, counts, balancesAfter, countsAfter,
		numbers, ids, seqs, types, amounts, results, descriptions, data, keys, hashes, payloads,
		now, shards, event.Topic, event.Type, event.Source, event.ContentType,
	}
}
