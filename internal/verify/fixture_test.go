package verify_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
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
