package postgres

import (
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

// writeSQL writes the balances, transactions and events of players in one statement. It writes either all rows of a player
// or none. It skips a player if the stored account differs from the account that the rows were computed from, or if one of
// the player's idempotency keys already exists. It returns the positions of the written players in the arrays. The first
// position is 1.
//
//   - It updates players in the order of the array, so concurrent groups cannot deadlock. If another database transaction
//     is changing a player, the update waits until that transaction ends and then compares again.
//   - If another database transaction adds an idempotency key after this statement's snapshot, the key violates the unique
//     index and the whole statement fails.
//   - It fills the outbox after it has locked the players, in the order of each player's entries. Therefore the outbox ids
//     of a player's events ascend in the order of the entries, across all groups and replicas.
//   - The balances and amounts in the arrays are in hundredths.
const writeSQL = `WITH entry AS MATERIALIZED (
	SELECT * FROM unnest($6::int[], $7::uuid[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[],
		$12::text[], $13::text[], $14::text[], $15::bytea[], $16::bytea[], $23::text[])
	AS e (n, id, seq, type, amount, balance_after, description, data, key, hash, payload, traceparent)
), updated AS (
	UPDATE users u SET balance = p.balance_after * 0.01, entries = p.entries_after
	FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY
		AS p (id, balance, entries, balance_after, entries_after, n)
	WHERE u.id = p.id AND u.balance = p.balance * 0.01 AND u.entries = p.entries AND u.is_active AND u.role = 'PLAYER'
		AND p.n <> ALL (ARRAY(
			SELECT e.n FROM entry e WHERE (SELECT true FROM transactions t WHERE t.idempotency_key = e.key)))
	RETURNING p.n::int AS n
), inserted AS (
	INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
		idempotency_key, content_hash)
	SELECT e.id, ($1::uuid[])[e.n], e.seq, e.type, e.amount * 0.01, e.balance_after * 0.01, e.description,
		e.data::jsonb, $17, e.key, e.hash
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM updated))
), appended AS (
	INSERT INTO outbox (event_id, shard, topic, key, type, source, content_type, payload, time, traceparent)
	SELECT e.id, ($18::smallint[])[e.n], $19, ($1::uuid[])[e.n]::text, $20, $21, $22, e.payload, $17, e.traceparent
	FROM entry e WHERE e.n = ANY (ARRAY(SELECT n FROM updated))
	ORDER BY e.n, e.seq
)
SELECT n FROM updated`

// writeArgs returns the arguments of writeSQL. Each player must have at least one row. Players must be sorted by id.
func writeArgs(players []*playerCalls, now time.Time) []any {
	n, entries := len(players), 0
	for _, p := range players {
		entries += len(p.rows)
	}
	playerIDs := newArray(pgtype.UUIDOID, n, 16)
	balancesBefore, countsBefore := newArray(pgtype.Int8OID, n, 8), newArray(pgtype.Int8OID, n, 8)
	balancesAfter, countsAfter := newArray(pgtype.Int8OID, n, 8), newArray(pgtype.Int8OID, n, 8)
	shards := newArray(pgtype.Int2OID, n, 2)

	positions, transactionIDs := newArray(pgtype.Int4OID, entries, 4), newArray(pgtype.UUIDOID, entries, 16)
	seqs, types := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.TextOID, entries, 6)
	amounts, entryBalances := newArray(pgtype.Int8OID, entries, 8), newArray(pgtype.Int8OID, entries, 8)
	descriptions, data := newArray(pgtype.TextOID, entries, 64), newArray(pgtype.TextOID, entries, 64)
	keys, hashes := newArray(pgtype.TextOID, entries, 36), newArray(pgtype.ByteaOID, entries, sha256.Size)
	payloads, traceparents := newArray(pgtype.ByteaOID, entries, 384), newArray(pgtype.TextOID, entries, 0)

	for i, p := range players {
		playerIDs.addBytes(p.user[:])
		balancesBefore.addInt64(int64(p.before.balance))
		countsBefore.addInt64(p.before.entries)
		balancesAfter.addInt64(int64(p.after.balance))
		countsAfter.addInt64(p.after.entries)
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
			payloads.addBytes(r.event.Data)
			traceparents.addText(r.event.Traceparent)
		}
	}
	event := players[0].rows[0].event // topic, type, source and content type are the same for all events
	return []any{
		playerIDs, balancesBefore, countsBefore, balancesAfter, countsAfter,
		positions, transactionIDs, seqs, types, amounts, entryBalances, descriptions, data, keys, hashes, payloads,
		now, shards, event.Topic, event.Type, event.Source, event.ContentType, traceparents,
	}
}
