package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

func TestRepublish(t *testing.T) {
	f := newFixture(t)
	player, changed, staff := f.create("a@example.com", authn.RolePlayer), f.create("b@example.com", authn.RolePlayer), f.create("c@example.com", authn.RoleStaff)
	for _, active := range []bool{false, true, false} {
		if _, err := f.store.SetActive(t.Context(), uuid.Nil, changed.ID, active); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := f.replica(postgres.LedgerOptions{}).AddTransaction(t.Context(), users.Entry{
		UserID: player.ID, Type: users.TransactionTypeCredit, Amount: 500, Description: "x", IdempotencyKey: "key",
	})
	if err != nil {
		t.Fatal(err)
	}
	lost := users.LostEvents{
		Registrations: []uuid.UUID{player.ID, changed.ID, staff.ID, uuid.New()},
		Statuses:      []uuid.UUID{player.ID, changed.ID}, Transactions: []uuid.UUID{tx.ID, uuid.New()},
	}
	events := func() (list []string) {
		t.Helper()
		rows, err := f.pool.Query(t.Context(), "SELECT type || ' ' || encode(payload, 'hex') FROM outbox ORDER BY topic, key, id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			list = append(list, line)
		}
		return list
	}
	original := events()

	// Registrations and transactions that wait in the outbox are not appended again. A status event is appended again, because
	// it has a new id.
	if n, err := f.store.Republish(t.Context(), users.LostEvents{Registrations: lost.Registrations, Transactions: lost.Transactions}); n != 0 || err != nil {
		t.Errorf("with all events in the outbox: got %d events, %v, want none", n, err)
	}
	f.exec("DELETE FROM outbox")
	n, err := f.store.Republish(t.Context(), lost)
	if n != 5 || err != nil { // two registrations, the status of changed twice, one transaction
		t.Fatalf("got %d events, %v, want 5", n, err)
	}
	for _, line := range events() {
		if !slices.Contains(original, line) {
			t.Errorf("a new event: %s", line)
		}
	}
	var same int
	err = f.pool.QueryRow(t.Context(), "SELECT count(*) FROM outbox WHERE event_id IN ($1, $2, $3)", player.ID, changed.ID, tx.ID).Scan(&same)
	if err != nil || same != 3 {
		t.Errorf("%d events have the id of their row, %v, want 3", same, err)
	}
}
