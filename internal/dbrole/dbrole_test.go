package dbrole_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

const (
	insufficientPrivilege = "42501"
	checkViolation        = "23514"
	player                = "11111111-1111-7111-8111-111111111111"
	admin                 = "22222222-2222-7222-8222-222222222222"
)

func databases() map[string]fs.FS {
	return map[string]fs.FS{"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications}
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// roleName returns the name of the role in a URL.
func roleName(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.User.Username()
}

// entry returns a statement that inserts an entry into the ledger.
func entry(user, kind string, seq int, amount, after string) string {
	return fmt.Sprintf(`INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, created_at,
		idempotency_key, content_hash) VALUES (gen_random_uuid(), '%s', %d, '%s', %s, %s, '', now(), gen_random_uuid()::text, '\x')`,
		user, seq, kind, amount, after)
}

// TestRolesCanOnlyDoWhatTheirServiceDoes connects with the role of each service, as somebody who has stolen its password,
// and tries to change what the service does not change.
func TestRolesCanOnlyDoWhatTheirServiceDoes(t *testing.T) {
	t.Parallel()
	everywhere := map[string]string{
		"migrations are recorded":       "INSERT INTO atlas_schema_revisions (version, description, executed_at, execution_time, hash, operator_version) VALUES ('9', '', now(), 0, '', '')",
		"migrations are removed":        "DELETE FROM atlas_schema_revisions",
		"triggers are disabled":         "SET session_replication_role = replica",
		"a program runs on the server":  "COPY (SELECT 1) TO PROGRAM 'true'",
		"a file is written":             "COPY (SELECT 1) TO '/tmp/loyalty-dbrole-test'",
		"a file is read":                "SELECT pg_read_file('/etc/hostname')",
		"a table is created":            "CREATE TABLE mine ()",
		"a temporary table is created":  "CREATE TEMPORARY TABLE mine ()",
		"a schema is created":           "CREATE SCHEMA mine",
		"a function is created":         "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"an extension is created":       "CREATE EXTENSION citext",
		"another role is used":          "SET ROLE postgres",
		"a role is created":             "CREATE ROLE mine",
		"the role becomes a superuser":  "ALTER ROLE CURRENT_USER SUPERUSER",
		"the database is dropped":       "ALTER DATABASE postgres RENAME TO mine",
		"changes are published":         "CREATE PUBLICATION mine FOR ALL TABLES",
		"a large file is imported":      "SELECT lo_import('/etc/hostname')",
		"the configuration is reloaded": "SELECT pg_reload_conf()",
	}
	for service, tests := range map[string]map[string]string{
		"users": {
			"a balance is changed":               "UPDATE users SET balance = 1000",
			"a balance is inserted":              `INSERT INTO users (id, email, email_folded, role, password_hash, created_at, balance) VALUES (gen_random_uuid(), 'x', 'x', 'PLAYER', '', now(), 5)`,
			"the number of entries is changed":   "UPDATE users SET entries = 0",
			"the head of the chain is changed":   "UPDATE users SET ledger_head = ''",
			"a role is changed":                  "UPDATE users SET role = 'ADMIN'",
			"an e-mail is changed":               "UPDATE users SET email = 'x', email_folded = 'x'",
			"an id is changed":                   "UPDATE users SET id = gen_random_uuid()",
			"users are deleted":                  "DELETE FROM users",
			"users are truncated":                "TRUNCATE users CASCADE",
			"an entry is changed":                "UPDATE transactions SET amount = 7",
			"a MAC is changed":                   "UPDATE transactions SET mac = 'x'",
			"entries are deleted":                "DELETE FROM transactions",
			"entries are truncated":              "TRUNCATE transactions",
			"an entry has a wrong balance":       entry(player, "CREDIT", 2, "5", "500"),
			"an entry does not continue":         entry(player, "CREDIT", 3, "5", "15"),
			"an entry overdraws":                 entry(player, "DEBIT", 2, "50", "0"),
			"an entry is for an admin":           entry(admin, "CREDIT", 1, "5", "5"),
			"the append-only trigger is dropped": "DROP TRIGGER transactions_append_only ON transactions",
			"triggers of a table are disabled":   "ALTER TABLE transactions DISABLE TRIGGER ALL",
			"a trigger is created":               "CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION users_tied_to_ledger()",
			"a check is dropped":                 "ALTER TABLE users DROP CONSTRAINT users_balance_not_negative",
			"the ledger is dropped":              "DROP TABLE transactions",
			"the rule of the ledger is replaced": "CREATE OR REPLACE FUNCTION transactions_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
			"an event is changed":                "UPDATE outbox SET payload = '\\x'",
			"a sequence is set":                  "SELECT setval('outbox_id_seq', 1)",
		},
		"promotions": {
			"an amount is changed":       "UPDATE player_promotions SET amount = 1000",
			"an amount is raised again":  "UPDATE player_promotions SET amount = 1000, times_assigned = times_assigned + 1",
			"a counter is changed":       "UPDATE promotion_counters SET claimed = 0",
			"a day is changed":           "UPDATE promotion_days SET claimed = 0",
			"a reservation is moved":     "UPDATE claim_reservations SET amount = 1",
			"a reservation is prolonged": "UPDATE claim_reservations SET not_after = now() + interval '1 minute'",
			"counters are added":         "SELECT count_assignments('{}', '{}', '{}', '{}', '{}', '{}', '{}')",
			"a claim is moved":           "UPDATE player_promotions SET user_id = gen_random_uuid()",
			"assignments are deleted":    "DELETE FROM player_promotions",
			"promotions are deleted":     "DELETE FROM promotions",
			"the type is changed":        "UPDATE promotions SET type = 'BONUS'",
			"keys of claims are changed": "UPDATE claim_keys SET promotion_id = gen_random_uuid()",
			"players are deleted":        "DELETE FROM players",
			"anomalies are deleted":      "DELETE FROM anomalies",
			"anomalies are changed":      "UPDATE anomalies SET detail = ''",
			"an event is changed":        "UPDATE outbox SET payload = '\\x'",
			"the period rule is dropped": "ALTER TABLE promotions DROP CONSTRAINT promotions_unique_per_period",
			"an event is handled twice":  "UPDATE inbox SET event_id = 'x'",
			"promotions are truncated":   "TRUNCATE promotions CASCADE",
		},
		"notifications": {
			"a content is changed":            "UPDATE notifications SET content = '{}'",
			"a notification is moved":         "UPDATE notifications SET user_id = gen_random_uuid()",
			"notifications are deleted":       "DELETE FROM notifications",
			"notifications are truncated":     "TRUNCATE notifications",
			"a rule reacts to notifications":  "CREATE RULE mine AS ON INSERT TO notifications DO INSTEAD NOTHING",
			"notifications refer to a table ": "CREATE TABLE mine (id uuid REFERENCES notifications)",
		},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			owner, role := postgrestest.NewWithRole(t, databases()[service], dbrole.Of(service))
			if service == "users" {
				exec(t, owner, `INSERT INTO users (id, email, email_folded, role, password_hash, created_at) VALUES
					('`+player+`', 'p', 'p', 'PLAYER', '', now()), ('`+admin+`', 'a', 'a', 'ADMIN', '', now())`)
				exec(t, role, entry(player, "CREDIT", 1, "10", "10"))
			}
			if service == "promotions" {
				exec(t, owner, `
					INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
					VALUES ('`+player+`', 'x', '', 'BONUS', 10, now(), now(), now(), now());
					INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title, revoked_at)
					VALUES ('`+player+`', '`+player+`', '`+player+`', 10, now(), 'x', now())`)
			}
			for _, statements := range []map[string]string{everywhere, tests} {
				for name, statement := range statements {
					if code := refusal(t, role, statement); code != insufficientPrivilege && code != checkViolation {
						t.Errorf("%s: code %q, want a refusal: %s", name, code, statement)
					}
				}
			}
		})
	}
}

// refusal returns the code of the error of a statement, or "" for none. It undoes the effects of the statement.
func refusal(t *testing.T, pool *pgxpool.Pool, statement string) string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), statement)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// TestPrivilegesAreTheDeclaredOnes asks PostgreSQL for the effective privileges of each role on each object, and compares
// them with the schema.
func TestPrivilegesAreTheDeclaredOnes(t *testing.T) {
	t.Parallel()
	for service, folder := range databases() {
		ownerURL, roleURL := postgrestest.URLsWithRole(t, folder, dbrole.Of(service))
		owner, err := postgres.Open(t.Context(), ownerURL, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(owner.Close)
		rows, err := owner.Query(t.Context(), `SELECT c.relname, coalesce(a.attname, ''), p FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND CASE
				WHEN p IN ('DELETE', 'TRUNCATE', 'TRIGGER') THEN has_table_privilege($1, c.oid, p)
				ELSE has_column_privilege($1, c.oid, a.attnum, p) END`, roleName(t, roleURL))
		if err != nil {
			t.Fatal(err)
		}
		declared, granted := dbrole.Of(service), map[string]int{}
		for rows.Next() {
			var table, column, privilege string
			if err := rows.Scan(&table, &column, &privilege); err != nil {
				t.Fatal(err)
			}
			granted[table]++
			want, known := declared[table]
			allowed := privilege == "SELECT" || privilege == "INSERT" && want.Insert || privilege == "DELETE" && want.Delete ||
				privilege == "UPDATE" && slices.Contains(want.Update, column)
			if !allowed || !known && (table != "atlas_schema_revisions" || privilege != "SELECT") {
				t.Errorf("%s may %s %s.%s, which the schema does not declare", service, privilege, table, column)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for table := range declared {
			if granted[table] == 0 {
				t.Errorf("%s may not read %s", service, table)
			}
		}
		role := dbrole.Role{Name: roleName(t, roleURL), Privileges: declared}
		if d, err := role.Compare(t.Context(), postgres.SQL(owner)); err != nil || len(d.Missing)+len(d.Excess) > 0 {
			t.Errorf("%s: Compare = %+v, %v, want no difference", service, d, err)
		}
	}
}

// up migrates a database of users and grants privileges to a role.
func up(t *testing.T, ownerURL, role string) error {
	t.Helper()
	_, err := migrate.Up(t.Context(), ownerURL, atlas.Users, dbrole.Role{Name: role, Privileges: dbrole.Of("users")},
		slog.New(slog.DiscardHandler))
	return err
}

// TestUpRevokesOtherPrivileges migrates a database in which the role had more privileges, as in earlier releases.
func TestUpRevokesOtherPrivileges(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"default privileges": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO %[1]s; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO %[1]s",
		"schema of PUBLIC":   "GRANT CREATE ON SCHEMA public TO PUBLIC",
		"schema":             "GRANT CREATE ON SCHEMA public TO %[1]s",
		"another table":      "CREATE TABLE another (); GRANT ALL ON another TO %[1]s",
		"a function":         "CREATE FUNCTION another() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
		"nothing":            "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ownerURL, roleURL := postgrestest.URLsWithRole(t, nil, dbrole.Of("users"))
			owner, err := postgres.Open(t.Context(), ownerURL, postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(owner.Close)
			role := dbrole.Role{Name: roleName(t, roleURL), Privileges: dbrole.Of("users")}
			if prepare != "" {
				exec(t, owner, strings.ReplaceAll(prepare, "%[1]s", role.Name))
			}
			if err := up(t, ownerURL, role.Name); err != nil {
				t.Fatal(err)
			}
			exec(t, owner, "GRANT UPDATE ON users TO "+role.Name)
			if d, err := role.Compare(t.Context(), postgres.SQL(owner)); err != nil || len(d.Excess) != 1 ||
				!strings.HasPrefix(d.Excess[0], "users: UPDATE (balance, ") {
				t.Errorf("Compare = %+v, %v, want UPDATE of users", d, err)
			}
			if err := up(t, ownerURL, role.Name); err != nil { // no migration is pending
				t.Fatal(err)
			}
			if d, err := role.Compare(t.Context(), postgres.SQL(owner)); err != nil || len(d.Missing)+len(d.Excess) > 0 {
				t.Errorf("Compare = %+v, %v, want no difference", d, err)
			}
		})
	}
}

// TestOnlyTheServiceConnects connects with the role of another service on the same server: it could otherwise hold advisory
// locks, which stop the outbox.
func TestOnlyTheServiceConnects(t *testing.T) {
	t.Parallel()
	ownerURL, roleURL := postgrestest.URLsWithRole(t, nil, dbrole.Of("users"))
	_, otherURL := postgrestest.URLsWithRole(t, atlas.Notifications, dbrole.Of("notifications"))
	owner, err := postgres.Open(t.Context(), ownerURL, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	if err := up(t, ownerURL, roleName(t, roleURL)); err != nil {
		t.Fatal(err)
	}
	connect := func(address string) error {
		conn, err := pgx.Connect(t.Context(), address)
		if err != nil {
			return err
		}
		return conn.Close(t.Context())
	}
	service, err := url.Parse(roleURL)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(otherURL)
	if err != nil {
		t.Fatal(err)
	}
	service.Path, other.Path = other.Path, service.Path
	for role, address := range map[string]string{"notifications": other.String(), "users": service.String()} {
		pgErr, ok := errors.AsType[*pgconn.PgError](connect(address))
		if !ok || pgErr.Code != insufficientPrivilege {
			t.Errorf("the role of %s connects to the other database: got %v, want the code %s", role, pgErr, insufficientPrivilege)
		}
	}
	if err := errors.Join(connect(roleURL), connect(otherURL)); err != nil {
		t.Errorf("a service does not connect to its database: %v", err)
	}
	exec(t, owner, "GRANT CONNECT ON DATABASE "+pgx.Identifier{strings.TrimPrefix(other.Path, "/")}.Sanitize()+" TO PUBLIC")
	role := dbrole.Role{Name: roleName(t, roleURL), Privileges: dbrole.Of("users")}
	d, err := role.Compare(t.Context(), postgres.SQL(owner))
	if want := []string{"the database: CONNECT of PUBLIC"}; err != nil || !slices.Equal(d.Excess, want) {
		t.Errorf("Compare = %+v, %v, want %q", d, err, want)
	}
}

// TestUpRefusesUnsafeRoles names roles that can evade what is granted.
func TestUpRefusesUnsafeRoles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ prepare, want string }{
		"superuser":          {"ALTER ROLE %s SUPERUSER", "is a superuser"},
		"CREATEROLE":         {"ALTER ROLE %s CREATEROLE", "has the attribute CREATEROLE"},
		"REPLICATION":        {"ALTER ROLE %s REPLICATION", "has the attribute REPLICATION"},
		"owner of a table":   {"CREATE TABLE mine (); ALTER TABLE mine OWNER TO %s", "owns tables and can drop their rules: mine"},
		"owner of functions": {"CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION mine OWNER TO %s", "owns functions and can replace them: mine"},
		"owner of the schema": {
			"ALTER SCHEMA public OWNER TO %s", "owns the schema public",
		},
		"member of the owner": {
			"CREATE ROLE %[1]s_owner; ALTER SCHEMA public OWNER TO %[1]s_owner; GRANT %[1]s_owner TO %[1]s", "owns the schema public",
		},
		"server programs":   {"GRANT pg_execute_server_program TO %s", "is a member of pg_execute_server_program"},
		"writes everything": {"GRANT pg_write_all_data TO %s", "is a member of pg_write_all_data"},
		"disables triggers": {"GRANT SET ON PARAMETER session_replication_role TO %s", "may set session_replication_role"},
		"of PUBLIC":         {"CREATE TABLE x (); ALTER TABLE x OWNER TO pg_monitor; GRANT DELETE ON x TO PUBLIC", "does not need"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ownerURL, roleURL := postgrestest.URLsWithRole(t, nil, dbrole.Of("users"))
			owner, err := postgres.Open(t.Context(), ownerURL, postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			role := roleName(t, roleURL)
			t.Cleanup(func() {
				_, err := owner.Exec(context.WithoutCancel(t.Context()), "ALTER SCHEMA public OWNER TO postgres; DROP OWNED BY "+role+"; "+
					"DROP ROLE IF EXISTS "+role+"_owner")
				if err != nil {
					t.Error(err)
				}
				owner.Close()
			})
			exec(t, owner, strings.ReplaceAll(strings.ReplaceAll(tt.prepare, "%[1]s", role), "%s", role))
			if err := up(t, ownerURL, role); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Up = %v, want an error with %q", err, tt.want)
			}
		})
	}
	ownerURL, _ := postgrestest.URLsWithRole(t, nil, dbrole.Of("users"))
	if err := up(t, ownerURL, "nobody"); err == nil || !strings.Contains(err.Error(), `the role "nobody" does not exist: CREATE ROLE`) {
		t.Errorf("Up for a role that does not exist: %v", err)
	}
}

// TestUpOfAnOlderReleaseRevokesNothing runs the migrations of an older release after those of a newer one, as a rollback
// does.
func TestUpOfAnOlderReleaseRevokesNothing(t *testing.T) {
	t.Parallel()
	ownerURL, roleURL := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	owner, err := postgres.Open(t.Context(), ownerURL, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	role := roleName(t, roleURL)
	exec(t, owner, `INSERT INTO atlas_schema_revisions (version, description, executed_at, execution_time, hash, operator_version)
		VALUES ('99991231235959', 'newer', now(), 0, '', 'loyalty'); CREATE TABLE newer (); GRANT INSERT ON newer TO `+role+`;
		REVOKE INSERT ON users FROM `+role)
	if err := up(t, ownerURL, role); err != nil {
		t.Fatal(err)
	}
	var newer, users bool
	err = owner.QueryRow(t.Context(), "SELECT has_table_privilege($1, 'newer', 'INSERT'), has_table_privilege($1, 'users', 'INSERT')",
		role).Scan(&newer, &users)
	if err != nil || !newer || !users {
		t.Errorf("INSERT on the newer table: %t, on users: %t, %v; want both", newer, users, err)
	}
}
