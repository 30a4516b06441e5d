package verify_test

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/verify"
)

// platform is the data of a platform that has handled all its events. One player has a claimed and an unclaimed assignment;
// the other player has none.
type platform struct {
	users, promotions *pgxpool.Pool
	stored            []verify.Notification
	dead              map[string]int64
}

const (
	player         = "01890000-0000-7000-8000-000000000001"
	other          = "01890000-0000-7000-8000-000000000002"
	claimed        = "01890000-0000-7000-8000-0000000000a1" // a promotion
	open           = "01890000-0000-7000-8000-0000000000a2" // a promotion
	assignment     = "01890000-0000-7000-8000-0000000000b1"
	openAssignment = "01890000-0000-7000-8000-0000000000b2"
	credit         = "01890000-0000-7000-8000-0000000000c1"
	debit          = "01890000-0000-7000-8000-0000000000c2"
	event          = "01890000-0000-7000-8000-0000000000d1"
)

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{
		users: postgrestest.New(t, atlas.Users), promotions: postgrestest.New(t, atlas.Promotions),
		stored: []verify.Notification{
			{UserID: uuid.MustParse(player), Seq: 1, Type: "promotion", ContentID: claimed},
			{UserID: uuid.MustParse(player), Seq: 2, Type: "promotion", ContentID: open},
		},
		dead: map[string]int64{"players": 0},
	}
	p.exec(t, p.users, `
		INSERT INTO users (id, email, email_folded, role, balance, created_at, password_hash, entries) VALUES
			('`+player+`', 'a@example.com', 'a@example.com', 'PLAYER', 15.00, now() - interval '1 hour', '', 2),
			('`+other+`', 'b@example.com', 'b@example.com', 'PLAYER', 0, now() - interval '1 hour', '', 0);
		INSERT INTO transactions (id, user_id, type, amount, balance_after, description, additional_data, created_at, seq, idempotency_key, content_hash) VALUES
			('`+credit+`', '`+player+`', 'CREDIT', 20, 20, '', '{"promotionId":"x"}', now() - interval '1 hour', 1, '`+assignment+`', ''),
			('`+debit+`', '`+player+`', 'DEBIT', 5, 15, '', '{}', now(), 2, 'spent', '')`)
	p.exec(t, p.promotions, `
		INSERT INTO players (id, is_active, created_at, updated_at) VALUES
			('`+player+`', true, now(), now()), ('`+other+`', true, now(), now());
		INSERT INTO promotions (id, title, description, is_active, type, amount, start_date, end_date, created_at, updated_at) VALUES
			('`+claimed+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now()),
			('`+open+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now());
		INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at, claimed_at, transaction_id, title) VALUES
			('`+assignment+`', '`+player+`', '`+claimed+`', true, 20, now() - interval '1 hour', now(), '`+credit+`', 'x'),
			('`+openAssignment+`', '`+player+`', '`+open+`', false, 20, now() - interval '1 hour', NULL, NULL, 'x')`)
	return p
}

func (p *platform) exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func (p *platform) sources() verify.Sources {
	return verify.Sources{
		Users: p.users, Promotions: p.promotions,
		Notifications: func(_ context.Context, yield func(verify.Notification) error) error {
			for _, n := range p.stored {
				if err := yield(n); err != nil {
					return err
				}
			}
			return nil
		},
		DeadLetters: func(context.Context) (map[string]int64, error) { return p.dead, nil },
	}
}

func (p *platform) verify(t *testing.T) (int, string) {
	t.Helper()
	var out bytes.Buffer
	n, err := verify.Run(t.Context(), p.sources(), verify.Options{Now: time.Now(), Delay: time.Minute}, &out)
	if err != nil {
		t.Fatal(err)
	}
	return n, out.String()
}

func TestNoViolations(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	// A notification without an assignment is only counted.
	p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(other), Seq: 1, Type: "promotion", ContentID: "x"})
	n, out := p.verify(t)
	for _, want := range []string{
		"2 users, 2 transactions", "2 players: ok", "1 claimed assignment, 1 credit for claims", "2 assignments, 3 stored notifications, 1 of them", "no violations found",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q:\n%s", want, out)
		}
	}
	if n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

// Each case damages the data. The output must name the damaged row.
func TestViolations(t *testing.T) {
	t.Parallel()
	const noTriggers = "SET session_replication_role = replica; " // allows changes of append-only rows
	const insertEvent = `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES ('` + event + `', 'x', 'x', 'x', 'x', 'x', '', now() - interval '2 minutes', 0)`
	for name, tt := range map[string]struct {
		damage func(t *testing.T, p *platform)
		want   string
		count  int
	}{
		"balance without a transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.users, "UPDATE users SET balance = 16 WHERE id = '"+player+"'")
		}, "user " + player + ": balance is 16.00, but the transactions sum to 15.00", 1},
		"deleted last transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.users, noTriggers+"DELETE FROM transactions WHERE seq = 2")
		}, "user " + player + ": entries is 2, but the last transaction has sequence number 1", 2},
		"deleted first transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.users, noTriggers+"DELETE FROM transactions WHERE seq = 1")
		}, "user " + player + ", transaction " + debit + ": sequence number is 2, want 1", 3},
		"changed balance_after": {func(t *testing.T, p *platform) {
			p.exec(t, p.users, noTriggers+"UPDATE transactions SET balance_after = 14 WHERE seq = 2")
		}, "user " + player + ", transaction " + debit + ": balance_after is 14.00, but the transactions up to it sum to 15.00", 2},
		"claimed but not paid": {func(t *testing.T, p *platform) {
			p.exec(t, p.users, noTriggers+"UPDATE transactions SET idempotency_key = gen_random_uuid()::text, created_at = now() WHERE seq = 1")
		}, "assignment " + assignment + " of user " + player + " is claimed with transaction " + credit + ", but", 1},
		"paid but not claimed": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
		}, "transaction " + credit + " of user " + player + " paid assignment " + assignment + ", which is not claimed", 1},
		"another amount": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET amount = 21 WHERE claimed")
		}, "assignment " + assignment + " of 21.00 to user " + player + " with transaction " + credit + " does not match its credit of 20.00", 1},
		"another transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET transaction_id = '"+debit+"' WHERE claimed")
		}, "assignment " + assignment + " of 20.00 to user " + player + " with transaction " + debit + " does not match its credit of 20.00", 1},
		"player unknown to promotions": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "DELETE FROM players WHERE id = '"+other+"'")
		}, "user " + other + " is registered, but promotions does not know the player", 1},
		"assignment without a notification": {func(_ *testing.T, p *platform) { p.stored = p.stored[:1] },
			"user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 0 notifications, want 1", 1},
		"assignment with two notifications": {func(_ *testing.T, p *platform) {
			p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(player), Seq: 3, Type: "promotion", ContentID: open})
		}, "user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 2 notifications, want 1", 1},
		"gap in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 3 },
			"user " + player + ": a notification has sequence number 3, want 2", 1},
		"duplicate in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 1 },
			"user " + player + ": a notification has sequence number 1, want 2", 1},
		"unpublished event": {func(t *testing.T, p *platform) { p.exec(t, p.promotions, insertEvent) },
			"the outbox of promotions has 1 unpublished event; the oldest is " + event, 1},
		"unpublished event of users": {func(t *testing.T, p *platform) { p.exec(t, p.users, insertEvent) },
			"the outbox of users has 1 unpublished event; the oldest is " + event, 1},
		"dead letter": {func(_ *testing.T, p *platform) { p.dead["players"] = 1 }, "topic players has 1 dead letter", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			tt.damage(t, p)
			n, out := p.verify(t)
			if n != tt.count || !strings.Contains(out, "VIOLATION") || !strings.Contains(out, tt.want) {
				t.Errorf("got %d violations, want %d with %q:\n%s", n, tt.count, tt.want, out)
			}
		})
	}
}

func TestRecentInconsistenciesAreNotReported(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.exec(t, p.promotions, "UPDATE player_promotions SET created_at = now()")
	p.exec(t, p.promotions, "DELETE FROM players")
	p.exec(t, p.users, "UPDATE users SET created_at = now()")
	p.stored = p.stored[:1]
	p.exec(t, p.promotions, `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES (gen_random_uuid(), 'x', 'x', 'x', 'x', 'x', '', now(), 0)`)
	if n, out := p.verify(t); n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

func TestFindLost(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	find := func() verify.Lost {
		t.Helper()
		lost, err := verify.FindLost(t.Context(), p.sources(), verify.Options{Now: time.Now(), Delay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return lost
	}
	if lost := find(); !reflect.DeepEqual(lost, verify.Lost{}) {
		t.Errorf("got %+v, want nothing lost", lost)
	}
	p.exec(t, p.promotions, "DELETE FROM players WHERE id = '"+other+"'")
	p.exec(t, p.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
	p.exec(t, p.users, "UPDATE users SET is_active = false, status_version = 1 WHERE id = '"+player+"'")
	p.stored = p.stored[:1]
	want := verify.Lost{
		Registrations: []uuid.UUID{uuid.MustParse(other)}, Statuses: []uuid.UUID{uuid.MustParse(player)},
		Transactions: []uuid.UUID{uuid.MustParse(credit)}, Assignments: []uuid.UUID{uuid.MustParse(openAssignment)},
	}
	if lost := find(); !reflect.DeepEqual(lost, want) {
		t.Errorf("got %+v, want %+v", lost, want)
	}
}
