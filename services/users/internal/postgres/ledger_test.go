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

// TestLedgerAdd runs each step on a ledger that has cached the player, and repeats it on a new ledger with an empty cache.
func TestLedgerAdd(t *testing.T) {
	type step struct {
		entry   users.Entry
		want    apperr.Code
		balance money.Amount // of the active player after the step
	}
	f := newFixture(t)
	active, inactive, other := f.insertPlayer(), f.insertUser(authn.RolePlayer, false), f.insertPlayer()
	staff, admin := f.insertUser(authn.RoleStaff, true), f.insertUser(authn.RoleAdmin, true)
	first := credit(active, 2000)
	firstWith := func(change func(*users.Entry)) users.Entry {
		e := first
		change(&e)
		return e
	}
	steps := []struct {
		name string
		step
	}{
		{"credit", step{first, "", 2000}},
		{"repeated credit", step{first, "", 2000}},
		{"debit", step{debit(active, 500), "", 1500}},
		{"debit above the balance", step{debit(active, 1501), apperr.InsufficientFunds, 1500}},
		{"debit of the whole balance", step{debit(active, 1500), "", 0}},
		{"debit with balance zero", step{debit(active, 1), apperr.InsufficientFunds, 0}},
		{"repeated credit after other entries", step{first, "", 0}},
		{"used key with another amount", step{firstWith(func(e *users.Entry) { e.Amount++ }), apperr.IdempotencyMismatch, 0}},
		{"used key with another type", step{
			firstWith(func(e *users.Entry) { e.Type = users.TransactionTypeDebit }), apperr.IdempotencyMismatch, 0,
		}},
		{"used key with another description", step{
			firstWith(func(e *users.Entry) { e.Description = "" }), apperr.IdempotencyMismatch, 0,
		}},
		{"used key with other data", step{
			firstWith(func(e *users.Entry) { e.AdditionalData = nil }), apperr.IdempotencyMismatch, 0,
		}},
		{"used key with another player", step{
			firstWith(func(e *users.Entry) { e.UserID = other }), apperr.IdempotencyMismatch, 0,
		}},
		{"used key with an unknown player", step{
			firstWith(func(e *users.Entry) { e.UserID = newID(t) }), apperr.IdempotencyMismatch, 0,
		}},
		{"unknown player", step{credit(newID(t), 100), apperr.NotFound, 0}},
		{"staff", step{credit(staff, 100), apperr.NotFound, 0}},
		{"admin", step{credit(admin, 100), apperr.NotFound, 0}},
		{"deactivated player", step{credit(inactive, 100), apperr.AccountDeactivated, 0}},
		{"late credit", step{users.Entry{
			UserID: active, Type: users.TransactionTypeCredit, Amount: 1, IdempotencyKey: newID(t).String(),
			NotAfter: time.Now().Add(-time.Second),
		}, apperr.DependencyUnavailable, 0}},
		{"repeated credit, late", step{
			firstWith(func(e *users.Entry) { e.NotAfter = time.Now().Add(-time.Second) }), "", 0,
		}},
		{"no description and no data", step{users.Entry{
			UserID: active, Type: users.TransactionTypeCredit, Amount: 1, IdempotencyKey: newID(t).String(),
		}, "", 1}},
	}
	cached := f.replica(postgres.LedgerOptions{})
	entries := 0
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			before := f.countTransactions()
			tx, err := cached.AddTransaction(t.Context(), s.entry)
			if got := apperr.CodeOf(err); got != s.want {
				t.Fatalf("got %v, want code %q", err, s.want)
			}
			if got := f.balance(active); got != s.balance {
				t.Errorf("got balance %v, want %v", got, s.balance)
			}
			// Repeated calls return the same result on every replica and change nothing.
			uncached := f.replica(postgres.LedgerOptions{})
			for range 2 {
				again, err := uncached.AddTransaction(t.Context(), s.entry)
				if got := apperr.CodeOf(err); got != s.want {
					t.Fatalf("repeated: got %v, want code %q", err, s.want)
				}
				if !reflect.DeepEqual(again, tx) {
					t.Errorf("repeated: got %+v, want %+v", again, tx)
				}
			}
			entries = f.countTransactions()
			if s.want != "" && entries != before {
				t.Errorf("the refused call added %d transactions, want 0", entries-before)
			}
		})
	}
	f.checkInvariants(entries)
}

func TestLedgerReturnsTheTransactionAndAppendsItsEvent(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	f.mustAdd(r, credit(player, 1000))
	e := debit(player, 250)
	e.AdditionalData = map[string]any{"promotionId": "7", "deep": []any{1.5, nil, "<&>", map[string]any{"é": true}}}
	start := time.Now().Add(-time.Second)
	tx := f.mustAdd(r, e)
	if tx.UserID != player || tx.Type != e.Type || tx.Amount != 250 || tx.BalanceAfter != 750 || tx.Seq != 2 ||
		tx.Description != e.Description || tx.IdempotencyKey != e.IdempotencyKey ||
		!reflect.DeepEqual(tx.AdditionalData, e.AdditionalData) ||
		tx.CreatedAt.Before(start) || tx.CreatedAt.After(time.Now()) || tx.CreatedAt.Location() != time.UTC {
		t.Errorf("got %+v, want the second transaction of the player for %+v", tx, e)
	}
	var payload []byte
	var topic, key, typ, source, contentType string
	var shard int16
	err := f.pool.QueryRow(t.Context(), `SELECT topic, key, type, source, content_type, payload, shard FROM outbox
		WHERE event_id = $1`, tx.ID).Scan(&topic, &key, &typ, &source, &contentType, &payload, &shard)
	if err != nil {
		t.Fatal(err)
	}
	if topic != "transactions" || key != player.String() || typ != "loyalty.users.v1.TRANSACTION_ADDED" ||
		source != "/loyalty/users" || contentType != "application/protobuf" || shard != outbox.Shard(key) {
		t.Errorf("got event with topic %s, key %s, type %s, source %s, content type %s, shard %d",
			topic, key, typ, source, contentType, shard)
	}
	var message usersv1.TransactionEvent
	if err := proto.Unmarshal(payload, &message); err != nil {
		t.Fatal(err)
	}
	if m := message.GetTransaction(); m.GetId() != tx.ID.String() || m.GetAmount() != "2.50" || m.GetBalanceAfter() != "7.50" ||
		m.GetType() != usersv1.TransactionType_DEBIT || message.GetUserId() != player.String() ||
		message.GetIdempotencyKey() != e.IdempotencyKey || !m.GetCreatedAt().AsTime().Equal(tx.CreatedAt) ||
		!reflect.DeepEqual(m.GetAdditionalData().AsMap(), e.AdditionalData) {
		t.Errorf("got payload %v, want transaction %+v", &message, tx)
	}
	if n := f.wakes.Load(); n != 2 {
		t.Errorf("got %d calls of wake, want one for each of 2 commits", n)
	}
	f.checkInvariants(2)
}

func TestLedgerRefusesBalanceAboveMaximum(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	f.withoutTriggers(`UPDATE users SET balance = $2 * 0.01 WHERE id = $1`, player, int64(money.Max-100))
	if tx := f.mustAdd(r, credit(player, 100)); tx.BalanceAfter != money.Max {
		t.Errorf("got balance %v, want %v", tx.BalanceAfter, money.Max)
	}
	for range 2 {
		if _, err := r.AddTransaction(t.Context(), credit(player, 1)); apperr.CodeOf(err) != apperr.ValidationFailed {
			t.Errorf("got %v, want VALIDATION_FAILED", err)
		}
	}
	if got := f.balance(player); got != money.Max {
		t.Errorf("got balance %v, want %v", got, money.Max)
	}
}

func TestLedgerRefusesDeactivatedPlayerAtOnce(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	first := credit(player, 100)
	tx := f.mustAdd(r, first)
	f.exec(`UPDATE users SET is_active = false WHERE id = $1`, player)
	for range 2 {
		if _, err := r.AddTransaction(t.Context(), credit(player, 100)); apperr.CodeOf(err) != apperr.AccountDeactivated {
			t.Errorf("got %v, want ACCOUNT_DEACTIVATED", err)
		}
	}
	if again := f.mustAdd(r, first); again.ID != tx.ID {
		t.Errorf("repeated call: got transaction %v, want %v", again.ID, tx.ID)
	}
	f.exec(`UPDATE users SET is_active = true WHERE id = $1`, player)
	f.mustAdd(r, credit(player, 100))
	f.checkInvariants(2)
}

func TestLedgerWithMorePlayersThanTheCacheHolds(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{CachedPlayers: 2})
	entries := 0
	for range 9 {
		player := f.insertPlayer()
		for range 3 {
			f.mustAdd(r, credit(player, 100))
			entries++
		}
	}
	f.checkInvariants(entries)
}
