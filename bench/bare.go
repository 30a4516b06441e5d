package main

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// site is one side of the rows about requests: the platform or the bare server. Both have the same players and rows.
type site struct {
	*caller

	users, promotions *process
	pools             map[string]*pgxpool.Pool // owners of the databases of users and promotions
	players           []player                 // the players who claim
	readers           []player                 // the players who list and refresh
	refresh           []string                 // the refresh token of each reader
	offered           map[int64]bool           // see offer
	claims            atomic.Int64             // all rows together make each claim once
}

// readerCount is the number of players who list and refresh. No other row assigns promotions to these players.
const readerCount = 32

// sites returns the platform and the bare server. At the first call, it starts the bare server. At each call, it logs the
// players in at the platform. The bare server takes the id of a player as the access token.
func (e *Env) sites(ctx context.Context) (ours, bare *site, err error) {
	f, err := e.fleet(ctx, 1)
	if err != nil {
		return nil, nil, err
	}
	if err := f.signIn(ctx, claimPlayers); err != nil {
		return nil, nil, err
	}
	if f.readers, err = f.enter(ctx, "reader", f.readers, readerCount); err != nil {
		return nil, nil, err
	}
	if f.bare == nil {
		f.ours = &site{caller: f.caller, pools: f.pools, offered: map[int64]bool{}}
		if f.bare, err = f.startBare(ctx); err != nil {
			return nil, nil, err
		}
	}
	f.ours.users, f.ours.promotions = f.processes["users"], f.processes["promotions"]
	f.ours.players, f.ours.readers = f.players[:claimPlayers], f.readers
	return f.ours, f.bare, nil
}

// startBare starts the two processes of the bare server behind another Nginx with the same configuration. They use the same
// PostgreSQL and Redis servers as the platform, with other databases and keys.
func (f *fleet) startBare(ctx context.Context) (*site, error) {
	f.env.progress("  starting the bare server")
	s := &site{pools: map[string]*pgxpool.Pool{}, offered: map[int64]bool{}}
	var addresses []string
	if err := f.servers.try(func() {
		for _, port := range testproc.FreePorts(f.servers, 3) {
			addresses = append(addresses, address(port))
		}
		// Nginx needs an address of notifications, too. No row sends requests to it.
		nginx := nginxtest.Start(f.servers, nginxtest.Config{Limits: nginxtest.NoLimits, Replicas: map[string][]string{
			"users": addresses[:1], "promotions": addresses[1:2], "notifications": addresses[1:2],
		}})
		s.caller = newCaller("http://" + nginx.Address)
	}); err != nil {
		return nil, err
	}
	var err error
	if s.users, err = f.startBareProcess(ctx, s, "users", addresses[0], addresses[2]); err != nil {
		return nil, err
	}
	if s.promotions, err = f.startBareProcess(ctx, s, "promotions", addresses[1], addresses[2]); err != nil {
		return nil, err
	}
	// A statement of the bare server changes balances itself, as the statement of pgbench does.
	if err := setTriggers(ctx, s.pools["users"], "DISABLE"); err != nil {
		return nil, err
	}
	// It has no counters of promotions.
	if _, err := s.pools["promotions"].Exec(ctx, "ALTER TABLE player_promotions DISABLE TRIGGER USER"); err != nil {
		return nil, err
	}
	s.players, s.readers = withoutTokens(f.players[:claimPlayers]), withoutTokens(f.readers)
	return s, insertPlayers(ctx, s.pools["users"], slices.Concat(s.players, s.readers))
}

// startBareProcess starts a process of the bare server with a new database. The fleet stops it.
func (f *fleet) startBareProcess(ctx context.Context, s *site, service, listen, ledger string) (*process, error) {
	pool, _, err := f.createDatabase(ctx, service, "bare_"+service)
	if err != nil {
		return nil, err
	}
	s.pools[service] = pool
	p, err := f.env.start("bare "+service, f.env.programs.bare, []string{
		"--service", service, "--listen", listen, "--ledger", ledger,
		"--database", pool.Config().ConnString(), "--redis", f.redis,
	})
	if err != nil {
		return nil, err
	}
	f.servers.Cleanup(p.Kill)
	p.url = "http://" + listen
	return p, p.ready(ctx)
}

// withoutTokens returns the players with their ids in place of their access tokens.
func withoutTokens(players []player) []player {
	copied := slices.Clone(players)
	for i := range copied {
		copied[i].token = copied[i].id
	}
	return copied
}

// insertPlayers inserts players into the database of users, without a password.
func insertPlayers(ctx context.Context, users *pgxpool.Pool, players []player) error {
	ids, emails := make([]string, len(players)), make([]string, len(players))
	for i, p := range players {
		ids[i], emails[i] = p.id, p.email
	}
	_, err := users.Exec(ctx, `INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
		SELECT id::uuid, email, lower(email), 'PLAYER', '', now() FROM unnest($1::text[], $2::text[]) AS p (id, email)`,
		ids, emails)
	return err
}

// startSessions starts a session of each reader with the refresh token in the body.
func (s *site) startSessions(ctx context.Context) error {
	s.refresh = make([]string, len(s.readers))
	for i, p := range s.readers {
		body := credentials(p.email)
		body["refreshTokenIn"] = "BODY"
		var session struct {
			RefreshToken string `json:"refreshToken"`
		}
		if err := s.expect(ctx, http.StatusOK, "/api/v1/auth/login", "", body, &session); err != nil {
			return err
		}
		s.refresh[i] = session.RefreshToken
	}
	return nil
}

// offer assigns n promotions to each of the players, without notifications. The ids of the promotions are those of
// promotionID, from first. It does so only once for each value of first.
func (s *site) offer(ctx context.Context, players []player, first, n int64) error {
	if s.offered[first] {
		return nil
	}
	s.offered[first] = true
	ids := make([]string, len(players))
	for i, p := range players {
		ids[i] = p.id
	}
	pool := s.pools["promotions"]
	_, err := pool.Exec(ctx, `WITH offered AS (
			INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
			SELECT ($1 || lpad(n::text, 12, '0'))::uuid, 'Offer', 'A bonus for you', 'BONUS', 1, '2000-01-01', '2999-01-01',
				now(), now()
			FROM generate_series($2::bigint, $3::bigint) n RETURNING id
		)
		INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title)
		SELECT gen_random_uuid(), u::uuid, offered.id, 1, now(), 'Offer' FROM unnest($4::text[]) u, offered`,
		playerPrefix, first, first+n-1, ids)
	if err == nil {
		_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	}
	return err
}
