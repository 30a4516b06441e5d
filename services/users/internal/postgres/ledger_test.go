package postgres_test

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// Each story is told twice: to a ledger that remembers the player, and to one that meets it for the first time.
func TestLedgerAdd(t *testing.T) {
	type step struct {
		entry   users.Entry
		want    apperr.Code
		balance money.Amount // afterwards
	}
	b := newBooks(t)
	active, inactive, rich := b.player(), b.user(authn.RolePlayer, false), b.player()
	staff, admin := b.user(authn.RoleStaff, true), b.user(authn.RoleAdmin, true)
	first := credit(active, 2000)
	replay := func(change func(*users.Entry)) users.Entry {
		e := first
		change(&e)
		return e
	}
	steps := []struct {
		name string
		step
	}{
		{"a credit", step{first, "", 2000}},
		{"the same again", step{first, "", 2000}},
		{"a debit", step{debit(active, 500), "", 1500}},
		{"a debit of more than there is", step{debit(active, 1501), apperr.InsufficientFunds, 1500}},
		{"a debit of all there is", step{debit(active, 1500), "", 0}},
		{"a debit of nothing's least part", step{debit(active, 1), apperr.InsufficientFunds, 0}},
		{"the first again, later", step{first, "", 0}},
		{"its key with another amount", step{replay(func(e *users.Entry) { e.Amount++ }), apperr.IdempotencyMismatch, 0}},
		{"its key as a debit", step{
			replay(func(e *users.Entry) { e.Type = users.TransactionTypeDebit }), apperr.IdempotencyMismatch, 0,
		}},
		{"its key with another text", step{
			replay(func(e *users.Entry) { e.Description = "" }), apperr.IdempotencyMismatch, 0,
		}},
		{"its key with other data", step{
			replay(func(e *users.Entry) { e.AdditionalData = nil }), apperr.IdempotencyMismatch, 0,
		}},
		{"its key for another player", step{replay(func(e *users.Entry) { e.UserID = rich }), apperr.IdempotencyMismatch, 0}},
		{"its key for nobody", step{replay(func(e *users.Entry) { e.UserID = newID(t) }), apperr.IdempotencyMismatch, 0}},
		{"nobody", step{credit(newID(t), 100), apperr.NotFound, 0}},
		{"staff", step{credit(staff, 100), apperr.NotFound, 0}},
		{"an admin", step{credit(admin, 100), apperr.NotFound, 0}},
		{"an inactive player", step{credit(inactive, 100), apperr.AccountDeactivated, 0}},
		{"without text and data", step{users.Entry{
			UserID: active, Type: users.TransactionTypeCredit, Amount: 1, IdempotencyKey: newID(t).String(),
		}, "", 1}},
	}
	warm := b.ledger(postgres.LedgerOptions{})
	entries := 0
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			before := b.count(`SELECT count(*) FROM transactions`)
			tx, err := warm.Add(t.Context(), s.entry)
			if got := apperr.CodeOf(err); got != s.want {
				t.Fatalf("got %v, want code %q", err, s.want)
			}
			if got := b.balance(active); got != s.balance {
				t.Errorf("the balance is %v, want %v", got, s.balance)
			}
			// Whoever asks again, anywhere, gets the same answer and changes nothing.
			cold := b.ledger(postgres.LedgerOptions{})
			for range 2 {
				again, err := cold.Add(t.Context(), s.entry)
				if got := apperr.CodeOf(err); got != s.want {
					t.Fatalf("asked again: got %v, want code %q", err, s.want)
				}
				if !reflect.DeepEqual(again, tx) {
					t.Errorf("asked again: got %+v, want %+v", again, tx)
				}
			}
			entries = b.count(`SELECT count(*) FROM transactions`)
			if s.want != "" && entries != before {
				t.Errorf("a refusal left %d entries behind", entries-before)
			}
		})
	}
	b.audit(entries)
}

func TestLedgerAnswersTheTransaction(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	b.add(l, credit(player, 1000))
	e := debit(player, 250)
	e.AdditionalData = map[string]any{"promotionId": "7", "deep": []any{1.5, nil, "<&>", map[string]any{"é": true}}}
	start := time.Now().Add(-time.Second)
	tx := b.add(l, e)
	if tx.UserID != player || tx.Type != e.Type || tx.Amount != 250 || tx.BalanceAfter != 750 || tx.Seq != 2 ||
		tx.Description != e.Description || tx.IdempotencyKey != e.IdempotencyKey ||
		!reflect.DeepEqual(tx.AdditionalData, e.AdditionalData) ||
		tx.CreatedAt.Before(start) || tx.CreatedAt.After(time.Now()) || tx.CreatedAt.Location() != time.UTC {
		t.Errorf("got %+v for %+v", tx, e)
	}
	var payload []byte
	var topic, key, typ, source, contentType string
	var shard int16
	err := b.pool.QueryRow(t.Context(), `SELECT topic, key, type, source, content_type, payload, shard FROM outbox
		WHERE event_id = $1`, tx.ID).Scan(&topic, &key, &typ, &source, &contentType, &payload, &shard)
	if err != nil {
		t.Fatal(err)
	}
	if topic != "transactions" || key != player.String() || typ != "loyalty.users.v1.TRANSACTION_ADDED" ||
		source != "/loyalty/users" || contentType != "application/protobuf" || shard != outbox.Shard(key) {
		t.Errorf("the event is %s %s %s %s %s %d", topic, key, typ, source, contentType, shard)
	}
	var message usersv1.TransactionEvent
	if err := proto.Unmarshal(payload, &message); err != nil {
		t.Fatal(err)
	}
	if m := message.GetTransaction(); m.GetId() != tx.ID.String() || m.GetAmount() != "2.50" || m.GetBalanceAfter() != "7.50" ||
		m.GetType() != usersv1.TransactionType_DEBIT || message.GetUserId() != player.String() ||
		message.GetIdempotencyKey() != e.IdempotencyKey || !m.GetCreatedAt().AsTime().Equal(tx.CreatedAt) ||
		!reflect.DeepEqual(m.GetAdditionalData().AsMap(), e.AdditionalData) {
		t.Errorf("the event holds %v", &message)
	}
	if n := b.woken.Load(); n != 2 {
		t.Errorf("the relay was woken %d times for 2 commits", n)
	}
	b.audit(2)
}

func TestLedgerRefusesMoreThanAColumnTakes(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	b.exec(`UPDATE users SET balance = $2 * 0.01 WHERE id = $1`, player, int64(money.Max-100))
	if tx := b.add(l, credit(player, 100)); tx.BalanceAfter != money.Max {
		t.Errorf("the balance is %v, want %v", tx.BalanceAfter, money.Max)
	}
	for range 2 {
		if _, err := l.Add(t.Context(), credit(player, 1)); apperr.CodeOf(err) != apperr.ValidationFailed {
			t.Errorf("got %v, want VALIDATION_FAILED", err)
		}
	}
	if got := b.balance(player); got != money.Max {
		t.Errorf("the balance is %v, want %v", got, money.Max)
	}
}

func TestLedgerSeesADeactivationAtOnce(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	first := credit(player, 100)
	tx := b.add(l, first)
	b.exec(`UPDATE users SET is_active = false WHERE id = $1`, player)
	for range 2 {
		if _, err := l.Add(t.Context(), credit(player, 100)); apperr.CodeOf(err) != apperr.AccountDeactivated {
			t.Errorf("got %v, want ACCOUNT_DEACTIVATED", err)
		}
	}
	if again := b.add(l, first); again.ID != tx.ID {
		t.Errorf("a replay got %v, want %v", again.ID, tx.ID)
	}
	b.exec(`UPDATE users SET is_active = true WHERE id = $1`, player)
	b.add(l, credit(player, 100))
	b.audit(2)
}

func TestLedgerRemembersOnlySomePlayers(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{Remembered: 2})
	entries := 0
	for range 9 {
		player := b.player()
		for range 3 {
			b.add(l, credit(player, 100))
			entries++
		}
	}
	b.audit(entries)
}
