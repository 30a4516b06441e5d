package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	claimPlayers    = 256
	claimPromotions = 1000 // per player
	claimCallers    = 32
)

// claimsRow measures complete claims, from the request at the gateway to the response. A claim involves the session, two
// services, the RPC between them, two databases and the outbox.
func claimsRow(goal float64) Row {
	return Row{
		Name: "claims, REST, 32 callers", Metrics: throughput("claims/s", goal),
		Limit: "pgbench -c 32: the statements of a claim on both databases, sequentially",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			if err := f.signIn(ctx, claimPlayers); err != nil {
				return nil, err
			}
			if err := f.offer(ctx); err != nil {
				return nil, err
			}
			var claimed atomic.Int64
			return &Pair{
				Ours: one(func(ctx context.Context, d time.Duration) (float64, error) {
					return load(ctx, claimCallers, d, func(ctx context.Context, _, _ int) error { return f.claim(ctx, claimed.Add(1)-1) })
				}),
				Limit: one(f.claimSQL),
			}, nil
		},
	}
}

// claim makes the n-th claim. All players claim their first promotion, then all claim their second one, and so on. It
// returns an error when no promotion is left.
func (f *fleet) claim(ctx context.Context, n int64) error {
	player, promotion := n%claimPlayers, n/claimPlayers
	if promotion >= claimPromotions {
		return errors.New("all promotions are claimed: use fewer or shorter rounds")
	}
	return f.expect(ctx, http.StatusOK, "/api/v1/promotions/claim", f.players[player].token,
		map[string]any{"promotion_id": promotionID(promotion)}, nil)
}

// promotionID returns the id of the n-th promotion. The SQL below builds the same ids.
func promotionID(n int64) string { return fmt.Sprintf("%s%012d", playerPrefix, n) }

// offer creates the promotions and assigns each of them to every player, without notifications. It also creates the players
// that pgbench uses.
func (f *fleet) offer(ctx context.Context) error {
	ids := make([]string, claimPlayers)
	for i := range ids {
		ids[i] = f.players[i].id
	}
	promotions, users := f.pools["promotions"], f.pools["users"]
	for _, s := range []struct {
		pool *pgxpool.Pool
		sql  string
		args []any
	}{
		{promotions, `INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
			SELECT ($1 || lpad(n::text, 12, '0'))::uuid, 'Offer', '', 'BONUS', 1, '2000-01-01', '2999-01-01', now(), now()
			FROM generate_series(0, $2::int - 1) n`, []any{playerPrefix, claimPromotions}},
		{promotions, `INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title)
			SELECT gen_random_uuid(), u::uuid, p.id, 1, now(), 'Offer' FROM unnest($1::text[]) u, promotions p`, []any{ids}},
		{promotions, `INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title)
			SELECT gen_random_uuid(), ($1 || u)::uuid, p.id, 1, now(), 'Offer'
			FROM generate_series($2::bigint, $3::bigint) u, promotions p`,
			[]any{playerPrefix, firstPlayer, firstPlayer + claimPlayers - 1}},
		{users, `INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
			SELECT ($1 || n)::uuid, email, lower(email), 'PLAYER', '', now()
			FROM generate_series($2::bigint, $3::bigint) n, concat('limit', n, '@example.com') email`,
			[]any{playerPrefix, firstPlayer, firstPlayer + claimPlayers - 1}},
		{users, "CREATE SEQUENCE bench_ids CACHE 64", nil},
		{users, "CREATE TABLE bench_outbox (LIKE outbox INCLUDING ALL)", nil}, // no relay reads this copy
		{users, "VACUUM ANALYZE", nil},
		{promotions, "VACUUM ANALYZE", nil},
	} {
		if _, err := s.pool.Exec(ctx, s.sql, s.args...); err != nil {
			return fmt.Errorf("prepare the claims: %w", err)
		}
	}
	return nil
}

// addWithEvent is addScript with an amount of 1 and with an outbox row like the one that the ledger writes.
const addWithEvent = `WITH moved AS (
	UPDATE users SET balance = balance + 1, entries = entries + 1
	WHERE id = ('` + playerPrefix + `' || :player)::uuid
	RETURNING id, balance, entries, lpad(to_hex(nextval('bench_ids')), 32, '0')::uuid AS tx
), added AS (
	INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
		idempotency_key, content_hash)
	SELECT tx, id, entries, 'CREDIT', 1, balance, '` + description + `',
		'{"promotionId": "` + playerPrefix + `000000000000"}', now(), tx::text, '\x` + someHash + `'
	FROM moved
)
INSERT INTO bench_outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
SELECT tx, 'bench', id::text, 'bench', '/bench', 'application/protobuf', decode(repeat('` + someHash + `', 10), 'hex'),
	now(), 0
FROM moved;
`

// markScript contains the statements that the promotions service runs for a claim: read the assignment, read the promotion,
// and mark the assignment as claimed.
const markScript = `SELECT id, user_id, promotion_id, claimed, amount, assigned_by, created_at, claimed_at, transaction_id,
		title, claim_id
	FROM player_promotions
	WHERE user_id = ('` + playerPrefix + `' || :player)::uuid
		AND promotion_id = ('` + playerPrefix + `' || lpad(:promotion::text, 12, '0'))::uuid;
SELECT id, title, description, is_active, type, amount, start_date, end_date, created_at, updated_at
	FROM promotions WHERE id = ('` + playerPrefix + `' || lpad(:promotion::text, 12, '0'))::uuid;
UPDATE player_promotions
	SET claimed = true, claimed_at = now(), transaction_id = gen_random_uuid(), claim_id = gen_random_uuid()::text
	WHERE user_id = ('` + playerPrefix + `' || :player)::uuid
		AND promotion_id = ('` + playerPrefix + `' || lpad(:promotion::text, 12, '0'))::uuid;
`

// claimSQL runs the statements of each database for d/2. A claim needs both, so its latency is the sum of the two latencies.
// claimSQL returns the rate for that sum, in claims per second.
func (f *fleet) claimSQL(ctx context.Context, d time.Duration) (float64, error) {
	owner := func(service string) string { return f.pools[service].Config().ConnString() }
	player := fmt.Sprintf("\\set player %d + random(0, %d)\n", firstPlayer, claimPlayers-1)
	promotion := fmt.Sprintf("\\set promotion random(0, %d)\n", claimPromotions-1)
	pay, err := withoutTriggers(ctx, f.pools["users"], func() (float64, error) {
		return f.env.pgbenchOn(ctx, owner("users"), claimCallers, d/2, player+addWithEvent)
	})
	if err != nil {
		return 0, err
	}
	mark, err := f.env.pgbenchOn(ctx, owner("promotions"), claimCallers, d/2, player+promotion+markScript)
	if err != nil {
		return 0, err
	}
	return 1 / (1/pay + 1/mark), nil
}
