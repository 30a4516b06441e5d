package verify_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/verify"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

// platform is the data of a platform that has handled all its events. One player has a claimed and an unclaimed assignment;
// the other player has none.
type platform struct {
	users, promotions *pgxpool.Pool
	keys              ledgerchain.Keys
	stored            []verify.Notification
	dead              map[string]int64
	now               time.Time
	// transactions are the ids of the player's transactions, in order. The first one paid the claim.
	transactions []string
}

const (
	player         = "01890000-0000-7000-8000-000000000001"
	other          = "01890000-0000-7000-8000-000000000002"
	claimed        = "01890000-0000-7000-8000-0000000000a1" // a promotion
	open           = "01890000-0000-7000-8000-0000000000a2" // a promotion
	assignment     = "01890000-0000-7000-8000-0000000000b1"
	openAssignment = "01890000-0000-7000-8000-0000000000b2"
	event          = "01890000-0000-7000-8000-0000000000d1"
)

func newKey(t *testing.T) ledgerchain.Key {
	t.Helper()
	key, err := ledgerchain.ParseKey(ledgerchain.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newPlatform returns a platform an hour after its last change.
func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{
		users: postgrestest.New(t, atlas.Users), promotions: postgrestest.New(t, atlas.Promotions),
		keys: ledgerchain.Keys{newKey(t)},
		stored: []verify.Notification{
			{UserID: uuid.MustParse(player), Seq: 1, Type: "promotion", ContentID: claimed},
			{UserID: uuid.MustParse(player), Seq: 2, Type: "promotion", ContentID: open},
		},
		dead: map[string]int64{"players": 0}, now: time.Now().Add(time.Hour),
	}
	p.exec(t, p.users, `
		INSERT INTO users (id, email, email_folded, role, created_at, password_hash) VALUES
			('`+player+`', 'a@example.com', 'a@example.com', 'PLAYER', now(), ''), ('`+other+`', 'b@example.com', 'b@example.com', 'PLAYER', now(), '')`)
	p.add(t, p.keys[0],
		users.Entry{Type: users.TransactionTypeCredit, Amount: 2000, IdempotencyKey: assignment, AdditionalData: map[string]any{"promotionId": "x"}},
		users.Entry{Type: users.TransactionTypeDebit, Amount: 500, Description: "spent"},
		users.Entry{Type: users.TransactionTypeCredit, Amount: 300, AdditionalData: map[string]any{
			"b": []any{1.5, nil, true}, "a": map[string]any{"<ü>": "line\nbreak", "n": 1e21}}},
		users.Entry{Type: users.TransactionTypeDebit, Amount: 100})
	p.exec(t, p.promotions, `
		INSERT INTO players (id, is_active, created_at, updated_at) VALUES
			('`+player+`', true, now(), now()), ('`+other+`', true, now(), now());
		INSERT INTO promotions (id, title, description, is_active, type, amount, start_date, end_date, created_at, updated_at) VALUES
			('`+claimed+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now()),
			('`+open+`', 'x', '', true, 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now());
		INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at, claimed_at, transaction_id, title) VALUES
			('`+assignment+`', '`+player+`', '`+claimed+`', true, 20, now(), now(), '`+p.transactions[0]+`', 'x'),
			('`+openAssignment+`', '`+player+`', '`+open+`', false, 20, now(), NULL, NULL, 'x')`)
	return p
}

// add adds entries to the ledger of the player, and removes their events from the outbox. An entry without an idempotency key
// gets a random one.
func (p *platform) add(t *testing.T, key ledgerchain.Key, entries ...users.Entry) {
	t.Helper()
	ledger, err := app.OpenLedger(t.Context(), p.users, key, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	for _, e := range entries {
		e.UserID, e.IdempotencyKey = uuid.MustParse(player), cmp.Or(e.IdempotencyKey, rand.Text())
		tx, err := ledger.AddTransaction(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		p.transactions = append(p.transactions, tx.ID.String())
	}
	p.exec(t, p.users, "DELETE FROM outbox")
}

func (p *platform) exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func (p *platform) sources() verify.Sources {
	return verify.Sources{
		Users: p.users, Promotions: p.promotions, LedgerKeys: p.keys,
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
	n, err := verify.Run(t.Context(), p.sources(), verify.Options{Now: p.now, Delay: time.Minute}, &out)
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
		"2 users, 4 transactions", "2 players: ok", "1 claimed assignment, 1 credit for claims", "2 assignments, 3 stored notifications, 1 of them", "no violations found",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q:\n%s", want, out)
		}
	}
	if n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

// TestDamagedLedger damages rows of the ledger with SQL. The output must name each damaged row, and no other row.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	const noTriggers = "SET session_replication_role = replica; "
	const mismatch = "the MAC does not match"
	swap := func(a, b string) string {
		return "UPDATE transactions SET seq = -1 WHERE seq = " + a + "; UPDATE transactions SET seq = " + a + " WHERE seq = " + b +
			"; UPDATE transactions SET seq = " + b + " WHERE seq = -1"
	}
	insert := func(mac string) string {
		return `INSERT INTO transactions (id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key,
				content_hash, mac)
			SELECT '` + event + `', user_id, 'CREDIT', 1, balance_after + 1, '', now(), 5, 'x', '', ` + mac + ` FROM transactions WHERE seq = 4;
			UPDATE users SET balance = balance + 1, entries = 5, ledger_head = ` + mac + ` WHERE id = '` + player + "'"
	}
	of := " of user " + player + ", number "
	for name, tt := range map[string]struct {
		sql  string
		want func(tx []string) []string // parts of the violations, one each
	}{
		"edited amount": {"UPDATE transactions SET amount = 6 WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited amount and balances": {"UPDATE transactions SET amount = 7, balance_after = 13 WHERE seq = 2;" +
			"UPDATE transactions SET balance_after = balance_after - 2 WHERE seq > 2;" +
			"UPDATE users SET balance = balance - 2 WHERE entries > 0",
			func(tx []string) []string {
				return []string{tx[1] + of + "2: " + mismatch, tx[2] + of + "3: " + mismatch, tx[3] + of + "4: " + mismatch}
			}},
		"edited balance_after": {"UPDATE transactions SET balance_after = 14 WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited type": {"UPDATE transactions SET type = 'CREDIT' WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited description": {"UPDATE transactions SET description = 'gift' WHERE seq = 3",
			func(tx []string) []string { return []string{tx[2] + of + "3: " + mismatch} }},
		"edited additional data": {`UPDATE transactions SET additional_data = jsonb_set(additional_data, '{a,n}', '1e20') WHERE seq = 3`,
			func(tx []string) []string { return []string{tx[2] + of + "3: " + mismatch} }},
		"edited time": {"UPDATE transactions SET created_at = created_at - interval '1 microsecond' WHERE seq = 4",
			func(tx []string) []string { return []string{tx[3] + of + "4: " + mismatch} }},
		"edited MAC": {"UPDATE transactions SET mac = 'AAAA' || substr(mac, 5) WHERE seq = 4; UPDATE users SET ledger_head = 'AAAA' || substr(ledger_head, 5) WHERE entries > 0",
			func(tx []string) []string { return []string{tx[3] + of + "4: no key of LOYALTY_LEDGER_KEY"} }},
		"removed row in the middle": {"DELETE FROM transactions WHERE seq = 2",
			func(tx []string) []string {
				return []string{tx[2] + of + "3: the transaction with the number 2 before it is missing"}
			}},
		"removed last row": {"DELETE FROM transactions WHERE seq = 4", func([]string) []string {
			return []string{"user " + player + ": balance is 17.00, but the last transaction says 18.00; entries is 4, but the last " +
				"transaction has the number 3; ledger_head is not the MAC of the last transaction"}
		}},
		"inserted row": {insert("(SELECT mac FROM transactions WHERE seq = 4)"),
			func([]string) []string { return []string{event + of + "5: " + mismatch} }},
		"inserted row with a forged MAC": {insert("'forged'"),
			func([]string) []string { return []string{event + of + "5: no key of LOYALTY_LEDGER_KEY"} }},
		"swapped order": {swap("2", "3"),
			func(tx []string) []string {
				return []string{tx[2] + of + "2: " + mismatch, tx[1] + of + "3: " + mismatch}
			}},
		"swapped order of the last rows": {swap("3", "4"),
			func(tx []string) []string {
				return []string{tx[3] + of + "3: " + mismatch, tx[2] + of + "4: " + mismatch}
			}},
		"wrong balance": {"UPDATE users SET balance = 16 WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": balance is 16.00, but the last transaction says 17.00\n"}
			}},
		"balance without transactions": {"UPDATE users SET balance = 5 WHERE id = '" + other + "'",
			func([]string) []string {
				return []string{"user " + other + ": balance is 5.00, but the last transaction says 0.00\n"}
			}},
		"removed player": {"DELETE FROM users WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{
					"user " + player + " has transactions but does not exist\n",
					"promotions has the player " + player + ", whom users does not have\n",
				}
			}},
		"wrong entries": {"UPDATE users SET entries = 3 WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": entries is 3, but the last transaction has the number 4\n"}
			}},
		"wrong head": {"UPDATE users SET ledger_head = '' WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": ledger_head is not the MAC of the last transaction\n"}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.exec(t, p.users, noTriggers+tt.sql)
			n, out := p.verify(t)
			want := tt.want(p.transactions)
			for _, text := range want {
				if !strings.Contains(out, "VIOLATION ledger: ") || !strings.Contains(out, text) {
					t.Errorf("the output does not contain %q", text)
				}
			}
			if n != len(want) || t.Failed() {
				t.Errorf("got %d violations, want %d:\n%s", n, len(want), out)
			}
		})
	}
}

func TestRotatedLedgerKey(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	next := newKey(t)
	p.add(t, next, users.Entry{Type: users.TransactionTypeCredit, Amount: 1})
	p.keys = ledgerchain.Keys{next, p.keys[0]}
	if n, out := p.verify(t); n != 0 {
		t.Errorf("with both keys: got %d violations, want none:\n%s", n, out)
	}
	p.keys = p.keys[:1]
	if n, out := p.verify(t); n != 4 || !strings.Contains(out, p.transactions[0]) || strings.Contains(out, p.transactions[4]) {
		t.Errorf("without the previous key: got %d violations, want one for each of its 4 transactions:\n%s", n, out)
	}
}

// Each case damages the data. The output must name the damaged row.
func TestViolations(t *testing.T) {
	t.Parallel()
	const insertEvent = `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES ('` + event + `', 'x', 'x', 'x', 'x', 'x', '', now() - interval '2 minutes', 0)`
	for name, tt := range map[string]struct {
		damage func(t *testing.T, p *platform)
		want   func(p *platform) string
	}{
		"claimed but not paid": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = id WHERE NOT claimed`)
		}, func(*platform) string {
			return "assignment " + openAssignment + " of user " + player + " is claimed with transaction " + openAssignment + ", but"
		}},
		"paid but not claimed": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
		}, func(p *platform) string {
			return "transaction " + p.transactions[0] + " of user " + player + " paid assignment " + assignment + ", which is not claimed"
		}},
		"another amount": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET amount = 21 WHERE claimed")
		}, func(p *platform) string {
			return "assignment " + assignment + " of 21.00 to user " + player + " with transaction " + p.transactions[0] +
				" does not match its credit of 20.00"
		}},
		"another transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET transaction_id = '"+p.transactions[1]+"' WHERE claimed")
		}, func(p *platform) string {
			return "assignment " + assignment + " of 20.00 to user " + player + " with transaction " + p.transactions[1] +
				" does not match its credit of 20.00"
		}},
		"player unknown to promotions": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "DELETE FROM players WHERE id = '"+other+"'")
		}, func(*platform) string {
			return "user " + other + " is registered, but promotions does not know the player"
		}},
		"player unknown to users": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions,
				"INSERT INTO players (id, is_active, created_at, updated_at) VALUES ('"+event+"', true, now(), now())")
		}, func(*platform) string {
			return "promotions has the player " + event + ", whom users does not have"
		}},
		"notifications of an unknown user": {func(_ *testing.T, p *platform) {
			p.stored = append(p.stored,
				verify.Notification{UserID: uuid.MustParse(event), Seq: 1, Type: "promotion", ContentID: open})
		}, func(*platform) string {
			return "there are notifications of user " + event + ", whom users does not have"
		}},
		"status of a later version": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE players SET is_active = false, status_version = 9 WHERE id = '"+player+"'")
		}, func(*platform) string {
			return "promotions has the status version 9 of player " + player + " (active: false), but users has version "
		}},
		"another status of the same version": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE players SET is_active = NOT is_active WHERE id = '"+player+"'")
		}, func(*platform) string { return "of player " + player + " (active: false), but users has version " }},
		"assignment without a notification": {func(_ *testing.T, p *platform) { p.stored = p.stored[:1] },
			func(*platform) string {
				return "user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 0 notifications, want 1"
			}},
		"assignment with two notifications": {func(_ *testing.T, p *platform) {
			p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(player), Seq: 3, Type: "promotion", ContentID: open})
		}, func(*platform) string {
			return "user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 2 notifications, want 1"
		}},
		"gap in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 3 },
			func(*platform) string { return "user " + player + ": a notification has sequence number 3, want 2" }},
		"duplicate in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 1 },
			func(*platform) string { return "user " + player + ": a notification has sequence number 1, want 2" }},
		"unpublished event": {func(t *testing.T, p *platform) { p.exec(t, p.promotions, insertEvent) },
			func(*platform) string {
				return "the outbox of promotions has 1 unpublished event; the oldest is " + event
			}},
		"unpublished event of users": {func(t *testing.T, p *platform) { p.exec(t, p.users, insertEvent) },
			func(*platform) string { return "the outbox of users has 1 unpublished event; the oldest is " + event }},
		"no topic of dead letters": {
			func(_ *testing.T, p *platform) { p.dead["audit"] = verify.NoTopic },
			func(*platform) string { return "topic audit.dlq does not exist: run loyalty events topics" },
		},
		"dead letter": {func(_ *testing.T, p *platform) { p.dead["players"] = 1 }, func(*platform) string { return "topic players has 1 dead letter" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			tt.damage(t, p)
			n, out := p.verify(t)
			if want := tt.want(p); n != 1 || !strings.Contains(out, "VIOLATION") || !strings.Contains(out, want) {
				t.Errorf("got %d violations, want one with %q:\n%s", n, want, out)
			}
		})
	}
}

func TestRecentInconsistenciesAreNotReported(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.now = time.Now()
	p.exec(t, p.promotions, "DELETE FROM players")
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
		lost, err := verify.FindLost(t.Context(), p.sources(), verify.Options{Now: p.now, Delay: time.Minute})
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
		Transactions: []uuid.UUID{uuid.MustParse(p.transactions[0])}, Assignments: []uuid.UUID{uuid.MustParse(openAssignment)},
	}
	if lost := find(); !reflect.DeepEqual(lost, want) {
		t.Errorf("got %+v, want %+v", lost, want)
	}
}
