package verify_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/verify"
)

// world is a small platform at rest: one player with a claimed and an open assignment, and another player.
type world struct {
	users, promotions *pgxpool.Pool
	stored            []verify.Notification
	dead              map[string]int64
}

const (
	player     = "01890000-0000-7000-8000-000000000001"
	other      = "01890000-0000-7000-8000-000000000002"
	paid       = "01890000-0000-7000-8000-0000000000a1" // promotions
	open       = "01890000-0000-7000-8000-0000000000a2"
	assignment = "01890000-0000-7000-8000-0000000000b1"
	entry      = "01890000-0000-7000-8000-0000000000c1"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		users: postgrestest.New(t, atlas.Users), promotions: postgrestest.New(t, atlas.Promotions),
		stored: []verify.Notification{
			{UserID: uuid.MustParse(player), Seq: 1, Type: "promotion", Content: paid},
			{UserID: uuid.MustParse(player), Seq: 2, Type: "promotion", Content: open},
		},
		dead: map[string]int64{"players": 0},
	}
	w.exec(t, w.users, `
		INSERT INTO users (id, email, role, balance, created_at, password_hash, entries) VALUES
			('`+player+`', 'a@example.com', 'PLAYER', 15.00, now(), '', 2), ('`+other+`', 'b@example.com', 'PLAYER', 0, now(), '', 0);
		INSERT INTO transactions (id, user_id, type, amount, balance_after, description, additional_data, created_at, seq, idempotency_key, content_hash) VALUES
			('`+entry+`', '`+player+`', 'CREDIT', 20, 20, '', '{"promotionId":"x"}', now() - interval '1 hour', 1, '`+assignment+`', ''),
			(gen_random_uuid(), '`+player+`', 'DEBIT', 5, 15, '', '{}', now(), 2, 'spent', '')`)
	w.exec(t, w.promotions, `
		INSERT INTO promotions (id, title, description, is_active, type, amount, start_date, end_date, created_at, updated_at) VALUES
			('`+paid+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now()),
			('`+open+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now());
		INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at, claimed_at, transaction_id, title) VALUES
			('`+assignment+`', '`+player+`', '`+paid+`', true, 20, now() - interval '1 hour', now(), '`+entry+`', 'x'),
			(gen_random_uuid(), '`+player+`', '`+open+`', false, 20, now() - interval '1 hour', NULL, NULL, 'x')`)
	return w
}

func (w *world) exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func (w *world) verify(t *testing.T) (int, string) {
	t.Helper()
	var out bytes.Buffer
	n, err := verify.Run(t.Context(), verify.Sources{
		Users: w.users, Promotions: w.promotions,
		Notifications: func(_ context.Context, yield func(verify.Notification) error) error {
			for _, n := range w.stored {
				if err := yield(n); err != nil {
					return err
				}
			}
			return nil
		},
		DeadLetters: func(context.Context) (map[string]int64, error) { return w.dead, nil },
	}, verify.Options{Now: time.Now(), Delay: time.Minute}, &out)
	if err != nil {
		t.Fatal(err)
	}
	return n, out.String()
}

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// A notification that nothing was assigned for, for a player of their own, is only counted.
	w.stored = append(w.stored, verify.Notification{UserID: uuid.MustParse(other), Seq: 1, Type: "promotion", Content: "x"})
	n, out := w.verify(t)
	for _, want := range []string{
		"2 users, 2 entries", "1 claimed assignments, 1 credits", "2 assignments, 3 stored notifications, 1 of them", "no violation",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if n != 0 {
		t.Errorf("%d violations:\n%s", n, out)
	}
}

// Every kind of damage is found, and nothing else is.
func TestViolations(t *testing.T) {
	t.Parallel()
	const unlocked = "SET session_replication_role = replica; "
	for name, tt := range map[string]struct {
		damage func(t *testing.T, w *world)
		want   string
		count  int
	}{
		"a balance that its entries do not give": {func(t *testing.T, w *world) {
			w.exec(t, w.users, "UPDATE users SET balance = 16 WHERE id = '"+player+"'")
		}, "balance 16.00, the entries give 15.00", 1},
		"an entry that is gone": {func(t *testing.T, w *world) {
			w.exec(t, w.users, unlocked+"DELETE FROM transactions WHERE seq = 2")
		}, "counts 2 entries, has 1", 2},
		"an entry that does not continue the one before": {func(t *testing.T, w *world) {
			w.exec(t, w.users, unlocked+"UPDATE transactions SET balance_after = 14 WHERE seq = 2")
		}, "entry 2 says balance 14.00", 2},
		"claimed and not paid": {func(t *testing.T, w *world) {
			w.exec(t, w.users, unlocked+"UPDATE transactions SET idempotency_key = gen_random_uuid()::text, created_at = now() WHERE seq = 1")
		}, "no credit has its key", 1},
		"paid and not claimed": {func(t *testing.T, w *world) {
			w.exec(t, w.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
		}, "which is not claimed", 1},
		"paid another amount": {func(t *testing.T, w *world) {
			w.exec(t, w.promotions, "UPDATE player_promotions SET amount = 21 WHERE claimed")
		}, "21.00 to " + player, 1},
		"an assignment that was not announced": {func(_ *testing.T, w *world) { w.stored = w.stored[:1] }, "was announced 0 times", 1},
		"an assignment that was announced twice": {func(_ *testing.T, w *world) {
			w.stored = append(w.stored, verify.Notification{UserID: uuid.MustParse(player), Seq: 3, Type: "promotion", Content: open})
		}, "was announced 2 times", 1},
		"a gap in a player's notifications": {func(_ *testing.T, w *world) { w.stored[1].Seq = 3 }, "notification 3 stands where notification 2 belongs", 1},
		"an event that is stuck": {func(t *testing.T, w *world) {
			w.exec(t, w.promotions, `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
				VALUES (gen_random_uuid(), 'x', 'x', 'x', 'x', 'x', '', now() - interval '2 minutes', 0)`)
		}, "1 events of promotions wait", 1},
		"a dead letter": {func(_ *testing.T, w *world) { w.dead["players"] = 1 }, "1 events of topic players were given up", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.damage(t, w)
			n, out := w.verify(t)
			if n != tt.count || !strings.Contains(out, "VIOLATION") || !strings.Contains(out, tt.want) {
				t.Errorf("%d violations, want %d with %q:\n%s", n, tt.count, tt.want, out)
			}
		})
	}
}

func TestWhatIsUnderWayIsGivenTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, w.promotions, "UPDATE player_promotions SET created_at = now()")
	w.stored = w.stored[:1]
	w.exec(t, w.promotions, `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES (gen_random_uuid(), 'x', 'x', 'x', 'x', 'x', '', now(), 0)`)
	if n, out := w.verify(t); n != 0 {
		t.Errorf("%d violations:\n%s", n, out)
	}
}
