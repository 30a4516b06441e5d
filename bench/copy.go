package main

import (
	"context"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
)

const (
	copyBatch = 1000
	// copyConnections is the number of concurrent COPY commands. The ledger makes as many concurrent commits.
	copyConnections = 2
	// payloadSize is about the size of the event of an entry.
	payloadSize = 320
)

// copyRow measures AddTransaction in process against COPY.
func copyRow(callers int, goal float64) Row {
	row := ledgerRow(callers, goal)
	row.Name += ", against COPY"
	row.Limit = "COPY of the entries and events into the same tables, 1,000 at a time on two connections"
	open := row.Open
	row.Open = func(ctx context.Context, env *Env) (*Pair, error) {
		pair, err := open(ctx, env)
		if err == nil {
			pair.Limit = one((&copier{env: env}).measure)
		}
		return pair, err
	}
	return row
}

// copier writes the rows that the ledger writes for entries, but changes no balances.
type copier struct {
	env *Env
	seq atomic.Int64 // the players of pgbench have fewer entries than firstCopied
}

const firstCopied = 1 << 40

// measure returns the number of entries per second.
func (c *copier) measure(ctx context.Context, d time.Duration) (float64, error) {
	return withoutTriggers(ctx, c.env.pool, func() (float64, error) {
		batches, err := load(ctx, copyConnections, d, func(ctx context.Context, _, _ int) error {
			return pgx.BeginFunc(ctx, c.env.pool, func(tx pgx.Tx) error { return c.copy(ctx, tx) })
		})
		return batches * copyBatch, err
	})
}

// copy writes copyBatch entries and their events.
func (c *copier) copy(ctx context.Context, tx pgx.Tx) error {
	now, mac, payload := time.Now(), strings.Repeat("m", ledgerchain.Size), make([]byte, payloadSize)
	text := strings.ReplaceAll(description, "''", "'") // description is part of an SQL literal
	entries, events := make([][]any, copyBatch), make([][]any, copyBatch)
	for i := range entries {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		binary := pgtype.UUID{Bytes: id, Valid: true}
		player := playerID(ourPlayers + rand.IntN(ourPlayers))
		cent := pgtype.Numeric{Int: big.NewInt(1), Exp: -2, Valid: true}
		entries[i] = []any{
			binary, pgtype.UUID{Bytes: player, Valid: true}, firstCopied + c.seq.Add(1), "CREDIT", cent, cent, text,
			`{"promotionId": "` + playerPrefix + `000000000000"}`, now, id.String(), []byte(someHash)[:32], mac,
		}
		events[i] = []any{
			binary, "bench", player.String(), "bench", "/bench", "application/protobuf", payload, now, int16(0),
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"transactions"}, []string{
		"id", "user_id", "seq", "type", "amount", "balance_after", "description", "additional_data", "created_at",
		"idempotency_key", "content_hash", "mac",
	}, pgx.CopyFromRows(entries))
	if err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"outbox"}, []string{
		"event_id", "topic", "key", "type", "source", "content_type", "payload", "time", "shard",
	}, pgx.CopyFromRows(events))
	return err
}
