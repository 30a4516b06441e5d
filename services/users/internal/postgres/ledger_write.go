package postgres

import (
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/outbox"
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
	var players struct {
		ids                         []uuid.UUID
		balances, entries           []int64
		balancesAfter, entriesAfter []int64
		shards                      []int16
	}
	var rows struct {
		works                           []int32
		ids                             []uuid.UUID
		seqs, amounts, balances         []int64
		types, descriptions, data, keys []string
		hashes, payloads                [][]byte
	}
	for n, w := range works {
		players.ids = append(players.ids, w.user)
		players.balances = append(players.balances, int64(w.before.balance))
		players.entries = append(players.entries, w.before.entries)
		players.balancesAfter = append(players.balancesAfter, int64(w.after.balance))
		players.entriesAfter = append(players.entriesAfter, w.after.entries)
		players.shards = append(players.shards, outbox.Shard(w.rows[0].event.Key))
		for _, r := range w.rows {
			rows.works = append(rows.works, int32(n+1))
			rows.ids = append(rows.ids, r.tx.ID)
			rows.seqs = append(rows.seqs, r.tx.Seq)
			rows.types = append(rows.types, string(r.tx.Type))
			rows.amounts = append(rows.amounts, int64(r.tx.Amount))
			rows.balances = append(rows.balances, int64(r.tx.BalanceAfter))
			rows.descriptions = append(rows.descriptions, r.tx.Description)
			rows.data = append(rows.data, string(r.data))
			rows.keys = append(rows.keys, r.tx.IdempotencyKey)
			rows.hashes = append(rows.hashes, r.tx.ContentHash)
			rows.payloads = append(rows.payloads, r.event.Data)
		}
	}
	event := works[0].rows[0].event // all are of one topic and type
	return []any{
		players.ids, players.balances, players.entries, players.balancesAfter, players.entriesAfter,
		rows.works, rows.ids, rows.seqs, rows.types, rows.amounts, rows.balances,
		rows.descriptions, rows.data, rows.keys, rows.hashes, rows.payloads,
		now, players.shards, event.Topic, event.Type, event.Source, event.ContentType,
	}
}
