package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	text, player := ledgerchain.GenerateKey(), uuid.New()
	key, err := ledgerchain.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), `INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
		VALUES ($1, 'a@example.com', 'a@example.com', 'PLAYER', '', now())`, player); err != nil {
		t.Fatal(err)
	}
	ledger, err := app.OpenLedger(t.Context(), db, key, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	tx, err := ledger.AddTransaction(t.Context(), users.Entry{
		UserID: player, Type: users.TransactionTypeCredit, Amount: 500, Description: "gift\x1b[2J", IdempotencyKey: "k",
	})
	if err != nil {
		t.Fatal(err)
	}
	settings := settingsFile(t, map[string]string{
		"LOYALTY_USERS_DATABASE_URL": db.Config().ConnString(), "LOYALTY_LEDGER_KEY": text,
	})
	id := tx.ID.String()
	for _, tt := range []struct {
		args []string
		code int
		want []string // parts of the output
	}{
		{[]string{"show", id}, 0, []string{"CREDIT", "amount         5.00", player.String(), `gift\x1b[2J`}},
		{[]string{"reverse", id}, 2, []string{"reverse needs --reason"}},
		{[]string{"show", "17"}, 2, []string{`"17" is not the id of a transaction`}},
		{[]string{"show", uuid.NewString()}, 1, []string{"transaction not found"}},
		{[]string{"reverse", id, "--reason", "x\x1b[31mred"}, 1, []string{"reason: the character U+001B is not allowed"}},
		{[]string{"reverse", id, "--reason", "x\u202ered"}, 1, []string{"reason: the character U+202E is not allowed"}},
		{[]string{"reverse", id, "--reason", strings.Repeat("x", 501)}, 1, []string{"reason: "}},
		{[]string{"reverse", id, "--reason", " \u200b"}, 1, []string{"reason: the field is required"}},
		{[]string{"reverse", id, "--reason", " mistake "}, 0, []string{"DEBIT", "balance after  0.00", "mistake", "reverses       " + id}},
		{[]string{"reverse", id, "--reason", "mistake"}, 0, []string{"DEBIT", "number         2"}},
		{[]string{"reverse", id, "--reason", "again"}, 1, []string{"was reversed for another reason"}},
		{[]string{"show", id}, 0, []string{"CREDIT", "reversed by"}},
	} {
		code, stdout, stderr := run(t, append([]string{"ledger", "--settings", settings}, tt.args...)...)
		for _, want := range tt.want {
			if code != tt.code || !strings.Contains(stdout+stderr, want) || strings.Contains(stdout, "\x1b") {
				t.Errorf("%v: exit %d with %q and %q, want %d with %q", tt.args, code, stdout, stderr, tt.code, want)
			}
		}
	}
}
