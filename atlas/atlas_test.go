package atlas_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/atlas/plan"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func folders() map[string]fs.FS {
	return map[string]fs.FS{"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications}
}

func TestEveryDatabaseHasMigrations(t *testing.T) {
	t.Parallel()
	var planned []string
	for _, d := range plan.Databases() {
		planned = append(planned, d.Name)
	}
	embedded := slices.Sorted(maps.Keys(folders()))
	if slices.Sort(planned); !slices.Equal(planned, embedded) {
		t.Errorf("embedded databases %v, planned databases %v", embedded, planned)
	}
}

// TestMigrationsMatchTheSchema checks that each atlas.sum is correct, and that the migrations create exactly the tables of
// the schema.
func TestMigrationsMatchTheSchema(t *testing.T) {
	t.Parallel()
	for name, folder := range folders() {
		status, err := migrate.StatusOf(t.Context(), postgrestest.URL(t, folder), folder)
		if err != nil || len(status.Pending) > 0 {
			t.Errorf("%s: pending %v, %v", name, status.Pending, err)
		}
	}
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	written, err := plan.Write(t.Context(), postgrestest.URL(t, nil), root, "drift", migrate.DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range written {
		sql, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("the migrations lack changes of the schema; run make migrate-diff NAME=what_changes:\n%s", sql)
	}
}

func TestChangedMigrationIsRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("users")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "20261129000003_rules.sql")
	if err := os.WriteFile(name, []byte("-- changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := migrate.Up(t.Context(), postgrestest.URL(t, nil), os.DirFS(root), dbrole.Role{}, nil)
	if err == nil || !strings.Contains(err.Error(), "atlas.sum") {
		t.Errorf("got %v, want an error about atlas.sum", err)
	}
}

func TestLedgerIsAppendOnly(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	user := insertUser(t, db, "player@example.com")
	insertTransaction(t, db, user, 1)
	for _, sql := range []string{
		"UPDATE transactions SET amount = 2", "DELETE FROM transactions", "TRUNCATE transactions", "TRUNCATE users, transactions",
	} {
		_, err := db.Exec(t.Context(), sql)
		if err == nil || !strings.Contains(err.Error(), "of transactions is refused") && !strings.Contains(err.Error(), "of users is refused") {
			t.Errorf("%s: got %v, want an error that says it is refused", sql, err)
		}
	}
	insertTransaction(t, db, user, 2)
}

// TestLedgerChangesBalance checks that a new transaction changes the player's row.
func TestLedgerChangesBalance(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	user := insertUser(t, db, "player@example.com")
	exec(t, db, `INSERT INTO transactions
		(id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key, content_hash, mac)
		SELECT gen_random_uuid(), '`+user.String()+`', type, amount, after, '', now(), seq, seq, '', mac FROM (VALUES
			(2, 'DEBIT', 3, 7, 'b'), (1, 'CREDIT', 10, 10, 'a'), (3, 'CREDIT', 0.5, 7.5, 'c')) t (seq, type, amount, after, mac)`)
	var state string
	err := db.QueryRow(t.Context(), "SELECT concat_ws(' ', balance, entries, ledger_head) FROM users").Scan(&state)
	if err != nil || state != "7.50 3 c" {
		t.Errorf("got %q, %v, want the balance, number and MAC of the last transaction", state, err)
	}
}

// TestLedgerIsTiedToBalances runs statements that would separate a balance from the ledger.
func TestLedgerIsTiedToBalances(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	user, admin := insertUser(t, db, "player@example.com"), insertUser(t, db, "admin@example.com")
	exec(t, db, "UPDATE users SET role = 'ADMIN' WHERE id = '"+admin.String()+"'")
	insertTransaction(t, db, user, 1)
	insertTransaction(t, db, user, 2)
	of := func(user uuid.UUID) string { return "'" + user.String() + "'::uuid" }
	one := func(user uuid.UUID, kind, amount, after, seq string) string {
		return entry(of(user), kind, amount, after, seq, "'b'") + " WHERE id = " + of(user)
	}
	reversal := func(kind, amount, after, of string) string {
		return fmt.Sprintf(`INSERT INTO transactions
			(id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key, content_hash, reverses)
			SELECT gen_random_uuid(), user_id, '%s', %s, %s, '', now(), 3, 'r', '', id FROM transactions WHERE %s`, kind, amount, after, of)
	}
	const balance, user1, reverse = "transactions_change_balance", "users_tied_to_ledger", "transactions_reverse"
	const row = "users_with_entries"
	nobody := entry("gen_random_uuid()", "'CREDIT'", "1", "1", "1", "'b'") + " WHERE id = " + of(user)
	for name, tt := range map[string]struct{ sql, want string }{
		"balance changed":            {"UPDATE users SET balance = 3 WHERE id = " + of(user), user1},
		"entries changed":            {"UPDATE users SET entries = 1, balance = 1 WHERE id = " + of(user), user1},
		"head changed":               {"UPDATE users SET ledger_head = 'x' WHERE id = " + of(user), user1},
		"player becomes an admin":    {"UPDATE users SET role = 'ADMIN' WHERE id = " + of(user), user1},
		"new user with a balance":    {"INSERT INTO users SELECT gen_random_uuid(), 'x', 'PLAYER', true, 1, now(), 'x', ''", user1},
		"wrong balance after":        {one(user, "'CREDIT'", "1", "4", "3"), balance},
		"debit that adds":            {one(user, "'DEBIT'", "1", "3", "3"), balance},
		"number twice as far":        {one(user, "'CREDIT'", "1", "3", "4"), balance},
		"transaction of an admin":    {one(admin, "'CREDIT'", "1", "1", "1"), balance},
		"transaction of nobody":      {nobody, balance},
		"one of two of nobody":       {one(user, "'CREDIT'", "1", "3", "3") + " UNION ALL " + strings.ReplaceAll(selectOf(nobody), "'b'", "'c'"), balance},
		"player deleted":             {"DELETE FROM users WHERE id = " + of(user), row},
		"id of a player changed":     {"UPDATE users SET id = gen_random_uuid() WHERE id = " + of(user), row},
		"all users deleted":          {"TRUNCATE users", row},
		"gap between two":            {one(user, "'CREDIT'", "1", "3", "3") + " UNION ALL " + strings.ReplaceAll(selectOf(one(user, "'CREDIT'", "1", "4", "5")), "'b'", "'c'"), balance},
		"second one wrong":           {one(user, "'CREDIT'", "1", "3", "3") + " UNION ALL " + strings.ReplaceAll(selectOf(one(user, "'CREDIT'", "1", "5", "4")), "'b'", "'c'"), balance},
		"reversal of another amount": {reversal("DEBIT", "2", "0", "seq = 1"), reverse},
		"reversal of the same type":  {reversal("CREDIT", "1", "3", "seq = 1"), reverse},
		"reversal of no transaction": {strings.Replace(reversal("DEBIT", "1", "1", "seq = 1"), "'r', '', id", "'r', '', user_id", 1), reverse},
	} {
		violates(t, db, name, tt.sql, tt.want)
	}
	exec(t, db, reversal("DEBIT", "1", "1", "seq = 1"))
	again := strings.NewReplacer("now(), 3, 'r'", "now(), 4, 's'")
	violates(t, db, "second reversal", again.Replace(reversal("DEBIT", "1", "0", "seq = 1")), "transactions_user_id_reverses")
	violates(t, db, "reversal of a reversal", again.Replace(reversal("CREDIT", "1", "2", "seq = 3")), reverse)
	exec(t, db, "UPDATE users SET is_active = false, balance = balance WHERE id = "+of(user))
}

// selectOf returns the SELECT of an INSERT statement.
func selectOf(insert string) string {
	_, columns, _ := strings.Cut(insert, "SELECT")
	return "SELECT" + columns
}

// TestUsersConstraints runs statements that each violate exactly one constraint.
func TestUsersConstraints(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	user := insertUser(t, db, "Player@example.com")
	insertTransaction(t, db, user, 1)
	exec(t, db, "ALTER TABLE users DISABLE TRIGGER USER; ALTER TABLE transactions DISABLE TRIGGER USER")
	for name, tt := range map[string]struct {
		sql  string
		want string
	}{
		"e-mail taken": {`INSERT INTO users (id, email, email_folded, role, created_at, password_hash)
			SELECT gen_random_uuid(), 'PLAYER@example.COM', email_folded, role, now(), '' FROM users`,
			"users_email_folded_key"},
		"e-mail without its folded form": {"UPDATE users SET email_folded = ''", "users_email_folded_not_empty"},
		"unknown role":                   {"UPDATE users SET role = 'GOD'", "users_role"},
		"negative balance":               {"UPDATE users SET balance = -0.01", "users_balance_not_negative"},
		"unknown transaction type":       {entry("id", "'GIFT'", "1", "1", "2", "'b'"), "transactions_type"},
		"zero amount":                    {entry("id", "'CREDIT'", "0", "1", "2", "'b'"), "transactions_amount"},
		"amount too large":               {entry("id", "'CREDIT'", "1000000000.01", "1", "2", "'b'"), "transactions_amount"},
		"negative balance after":         {entry("id", "'DEBIT'", "1", "-1", "2", "'b'"), "transactions_balance_after"},
		"duplicate idempotency key":      {entry("id", "'CREDIT'", "1", "1", "2", "'key 1'"), "transactions_idempotency_key_key"},
		"duplicate sequence number":      {entry("id", "'CREDIT'", "1", "1", "1", "'b'"), "transactions_user_id_seq"},
	} {
		violates(t, db, name, tt.sql, tt.want)
	}
}

func entry(user, kind, amount, after, seq, key string) string {
	return fmt.Sprintf(`INSERT INTO transactions
		(id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key, content_hash)
		SELECT gen_random_uuid(), %s, %s, %s, %s, '', now(), %s, %s, ''::bytea FROM users`, user, kind, amount, after, seq, key)
}

func TestPromotionsConstraints(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Promotions)
	promotion := "(gen_random_uuid(), %s, '', true, %s, %s, %s, %s, now(), now())"
	insert := func(title, kind, amount, start, end string) string {
		return "INSERT INTO promotions VALUES " + fmt.Sprintf(promotion, title, kind, amount, start, end)
	}
	exec(t, db, insert("'a'", "'BONUS'", "1", "'2026-01-01'", "'2026-01-01'"))
	assign := func(user, promotion, claimed, amount, transaction, at, key string) string {
		return fmt.Sprintf(`INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at,
			transaction_id, claimed_at, title, claim_id)
			SELECT gen_random_uuid(), %s, %s, %s, %s, now(), %s, %s, '', %s FROM promotions`,
			user, promotion, claimed, amount, transaction, at, key)
	}
	user := "'" + uuid.NewString() + "'"
	exec(t, db, assign(user, "id", "false", "1", "NULL", "NULL", "'key'"))
	other := "'" + uuid.NewString() + "'"
	for name, tt := range map[string]struct {
		sql  string
		want string
	}{
		"empty title": {insert("''", "'BONUS'", "1", "'2026-01-01'", "'2026-01-01'"), "promotions_title_length"},
		"title too long": {insert("repeat('ü', 201)", "'BONUS'", "1", "'2026-01-01'", "'2026-01-01'"),
			"promotions_title_length"},
		"description too long": {strings.Replace(insert("'a'", "'BONUS'", "1", "'2026-01-01'", "'2026-01-01'"),
			"''", "repeat('ü', 2001)", 1), "promotions_description_length"},
		"unknown type": {insert("'a'", "'GIFT'", "1", "'2026-01-01'", "'2026-01-01'"), "promotions_type"},
		"zero amount":  {insert("'a'", "'BONUS'", "0", "'2026-01-01'", "'2026-01-01'"), "promotions_amount"},
		"amount too large": {insert("'a'", "'BONUS'", "1000000000.01", "'2026-01-01'", "'2026-01-01'"),
			"promotions_amount"},
		"end before start":                  {insert("'a'", "'BONUS'", "1", "'2026-01-02'", "'2026-01-01'"), "promotions_period"},
		"unique type with end before start": {insert("'a'", "'WELCOME_BONUS'", "1", "'2026-01-02'", "'2026-01-01'"), "promotions_period"},
		"duplicate assignment": {assign(user, "id", "false", "1", "NULL", "NULL", "NULL"),
			"player_promotions_user_id_promotion_id"},
		"unknown promotion": {assign(other, "gen_random_uuid()", "false", "1", "NULL", "NULL", "NULL"),
			"player_promotions_promotion_id_fkey"},
		"zero assignment amount": {assign(other, "id", "false", "0", "NULL", "NULL", "NULL"), "player_promotions_amount"},
		"claimed without transaction": {assign(other, "id", "true", "1", "NULL", "now()", "NULL"),
			"player_promotions_claimed_with_transaction"},
		"claimed without time": {assign(other, "id", "true", "1", "gen_random_uuid()", "NULL", "NULL"),
			"player_promotions_claimed_with_transaction"},
		"transaction without claim": {assign(other, "id", "false", "1", "gen_random_uuid()", "now()", "NULL"),
			"player_promotions_claimed_with_transaction"},
	} {
		violates(t, db, name, tt.sql, tt.want)
	}
	for name, times := range map[string]string{
		"reservation without end": "now(), 'infinity'", "reservation that never begins": "'infinity', 'infinity'",
		"reservation that ended always": "now(), '-infinity'", "long reservation": "now(), now() + interval '6 minutes'",
	} {
		violates(t, db, name, `INSERT INTO claim_reservations (id, user_id, promotion_id, amount, reserved_at, not_after)
			SELECT gen_random_uuid(), gen_random_uuid(), id, 1, `+times+" FROM promotions", "claim_reservations_short")
	}
	key := "INSERT INTO claim_keys (user_id, key, created_at, promotion_id) SELECT " + user + ", 'key', now(), id FROM promotions"
	exec(t, db, key)
	violates(t, db, "duplicate claim key", key, "claim_keys_user_id_key")
}

func TestUniquePerPeriod(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Promotions)
	insert := func(active bool, kind promotions.PromotionType, start, end string) error {
		_, err := db.Exec(t.Context(),
			"INSERT INTO promotions VALUES (gen_random_uuid(), 'a', '', $1, $2, 1, $3, $4, now(), now())", active, kind, start, end)
		return err
	}
	for _, kind := range promotions.PromotionTypes() {
		if err := insert(true, kind, "2026-01-10", "2026-01-20"); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for period, overlaps := range map[[2]string]bool{
			{"2026-01-01", "2026-01-09"}: false, {"2026-01-01", "2026-01-10"}: true, {"2026-01-12", "2026-01-12"}: true,
			{"2026-01-01", "2026-02-01"}: true, {"2026-01-20", "2026-01-30"}: true, {"2026-01-21", "2026-01-30"}: false,
		} {
			err := insert(true, kind, period[0], period[1])
			name, _ := postgres.ConstraintViolated(err)
			refused := name == "promotions_unique_per_period"
			if refused != (overlaps && kind.UniquePerPeriod()) || !refused && err != nil {
				t.Errorf("a second %s from %s to %s: got error %v, refused by promotions_unique_per_period should be %t",
					kind, period[0], period[1], err, overlaps && kind.UniquePerPeriod())
			}
			if err := insert(false, kind, period[0], period[1]); err != nil {
				t.Errorf("inactive %s from %s to %s: %v", kind, period[0], period[1], err)
			}
			exec(t, db, "DELETE FROM promotions WHERE start_date <> '2026-01-10' OR NOT is_active")
		}
	}
}

// TestUniqueTypesMatchTheSchema compares the constraint promotions_unique_per_period, which is written by hand, with the
// schema.
func TestUniqueTypesMatchTheSchema(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Promotions)
	var definition string
	err := db.QueryRow(t.Context(), `SELECT pg_get_constraintdef(oid) FROM pg_constraint
		WHERE conname = 'promotions_unique_per_period'`).Scan(&definition)
	if err != nil {
		t.Fatal(err)
	}
	_, condition, found := strings.Cut(definition, "WHERE")
	if !found {
		t.Fatalf("no condition in %s", definition)
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`'([A-Z_]+)'`).FindAllStringSubmatch(condition, -1) {
		got = append(got, m[1])
	}
	for _, kind := range promotions.PromotionTypes() {
		if kind.UniquePerPeriod() {
			want = append(want, string(kind))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf(`the constraint covers the types %v, the schema has %v.
Write a file atlas/promotions/YYYYMMDDhhmmss_unique_types.sql, later than all others there, with
	ALTER TABLE "promotions" DROP CONSTRAINT "promotions_unique_per_period";
	ALTER TABLE "promotions" ADD CONSTRAINT "promotions_unique_per_period"
	  EXCLUDE USING gist ("type" WITH =, daterange("start_date", "end_date", '[]') WITH &&)
	  WHERE ("is_active" AND "type" IN ('%s'));
and run: make migrate-hash`, got, want, strings.Join(want, "', '"))
	}
}

func TestNotificationsConstraints(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Notifications)
	insert := func(user, seq, eventID string) string {
		return fmt.Sprintf(`INSERT INTO notifications (id, type, created_at, user_id, seq, event_id)
			VALUES (gen_random_uuid(), 'promotion', now(), %s, %s, %s)`, user, seq, eventID)
	}
	user := "'" + uuid.NewString() + "'"
	exec(t, db, insert(user, "1", "'a'"))
	exec(t, db, insert(user, "2", "'b'"))
	exec(t, db, insert("gen_random_uuid()", "1", "'c'"))
	violates(t, db, "duplicate event", insert(user, "3", "'a'"), "notifications_event_id_key")
	violates(t, db, "duplicate sequence number", insert(user, "2", "'d'"), "notifications_user_id_seq")
}

func TestEventTables(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]fs.FS{"users": atlas.Users, "promotions": atlas.Promotions} {
		db := postgrestest.New(t, folder)
		insert := "INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard) " +
			"VALUES ('018f0000-0000-7000-8000-000000000001', 't', 'k', 'y', 's', 'c', '', now(), 1)"
		exec(t, db, insert)
		violates(t, db, name+": duplicate event", insert, "outbox_event_id_key")
	}
	db := postgrestest.New(t, atlas.Promotions)
	exec(t, db, `INSERT INTO inbox (consumer, event_id, handled_at)
		VALUES ('a', '1', now()), ('b', '1', now()), ('a', '2', now())`)
	violates(t, db, "event handled twice", "INSERT INTO inbox (consumer, event_id, handled_at) VALUES ('a', '1', now())",
		"inbox_consumer_event_id")
}

func insertUser(t *testing.T, db *pgxpool.Pool, email string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	_, err := db.Exec(t.Context(), `INSERT INTO users (id, email, email_folded, role, created_at, password_hash)
		VALUES ($1, $2, lower($2), 'PLAYER', now(), '')`, id, email)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func insertTransaction(t *testing.T, db *pgxpool.Pool, user uuid.UUID, seq int) {
	t.Helper()
	_, err := db.Exec(t.Context(), `INSERT INTO transactions
		(id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key, content_hash)
		VALUES ($1, $2, 'CREDIT', 1, $3::bigint, '', now(), $3, $4, '')`, uuid.New(), user, seq, fmt.Sprintf("key %d", seq))
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t *testing.T, db *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := db.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// violates fails the test unless sql violates the constraint.
func violates(t *testing.T, db *pgxpool.Pool, name, sql, constraint string) {
	t.Helper()
	_, err := db.Exec(t.Context(), sql)
	if got, _ := postgres.ConstraintViolated(err); got != constraint {
		t.Errorf("%s: violates %q (%v), want %s", name, got, err, constraint)
	}
}
