package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// TestBackup dumps the databases while players register, are assigned promotions and claim them. It restores the dumps into
// empty databases, with an empty bus and an empty Redis, as the runbook says. Locks of the test hold back consumers during
// the dump, so events are on their way that the restored platform does not have.
func TestBackup(t *testing.T) {
	t.Parallel()
	source := startCluster(t, "kafka")
	l := newBackupLoad(t, source)
	l.run(func() {
		l.progress(3)
		unblock := holdBack(t, source)
		defer unblock()
		l.late = append(l.late, l.register()) // promotions handles the registration after the dump
		l.progress(3)
		eventually(t, "all events are on the bus", func() error {
			return source.database("users").QueryRow(t.Context(), "SELECT WHERE NOT EXISTS (SELECT FROM outbox WHERE key = $1)", l.late[0]).Scan()
		})
		l.acknowledged = l.claimed()
		runLoyalty(t, source.owner, "backup", l.dir)
		l.progress(3)
	})
	source.verify(t)
	if out, err := tool(t, "loyalty", source.owner, "backup", l.dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "exists already") {
		t.Errorf("a second backup into the same directory: %v\n%s", err, out)
	}

	databases := emptyDatabases(t)
	for _, service := range services {
		restore := tool(t, "pg_restore", "", "--exit-on-error", "--no-owner", "--no-privileges",
			"--dbname="+databases[service].owner, filepath.Join(l.dir, service+".dump"))
		if out, err := restore.CombinedOutput(); err != nil {
			t.Fatalf("restore %s: %v\n%s", service, err, out)
		}
	}
	restored := newCluster(t, "kafka", databases)
	runLoyalty(t, restored.owner, "migrate", "up")
	l.check(restored)
	loseEvent(t, restored, l.acknowledged[0])
	out, err := tool(t, "loyalty", restored.settings, "verify", "--delay", "0s").CombinedOutput()
	for _, want := range []string{
		"user " + l.late[0] + " is registered, but promotions does not know", "which is not claimed", "has 0 notifications, want 1",
	} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("verify after the restore: %v, want %q:\n%s", err, want, out)
		}
	}
	if strings.Contains(string(out), "the ledger has no credit for it") {
		t.Errorf("a claim was restored without its credit:\n%s", out)
	}
	restored.serve()
	runLoyalty(t, restored.settings, "events", "republish", "--delay", "0s")
	restored.verify(t)
	l.check(restored)
	if out := runLoyalty(t, restored.settings, "events", "republish", "--delay", "0s"); !strings.Contains(out, "0 events") {
		t.Errorf("republish again: got %q, want no events", out)
	}
	newPlayer(t, restored.url)
	t.Logf("%d of %d claims were restored; before the repair, verify found %d violations", l.count(restored.database("users"),
		"SELECT count(*) FROM transactions"), len(l.claimed()), strings.Count(string(out), "VIOLATION"))
}

// tool returns a command of loyalty with its settings, or a program of PostgreSQL.
func tool(t *testing.T, program, settings string, args ...string) *exec.Cmd {
	t.Helper()
	installed, err := pgserver.Find()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(installed.BinDir, program)
	if program == "loyalty" {
		path, args = programs.loyalty, append(args, "--settings", settings)
	}
	command := exec.Command(path, args...)
	command.Env = append(os.Environ(), "PATH="+installed.BinDir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return command
}

// runLoyalty runs a command of loyalty that must succeed, and returns its output.
func runLoyalty(t *testing.T, settings string, args ...string) string {
	t.Helper()
	out, err := tool(t, "loyalty", settings, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("loyalty %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// holdBack locks tables, so that promotions handles no registration and notifications stores nothing, until release is
// called. Requests are served.
func holdBack(t *testing.T, c *cluster) (release func()) {
	t.Helper()
	var releases []func()
	for service, table := range map[string]string{"promotions": "players", "notifications": "notifications"} {
		tx, err := c.database(service).Begin(t.Context())
		if err == nil {
			_, err = tx.Exec(t.Context(), "LOCK TABLE "+table+" IN SHARE MODE")
		}
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, func() {
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		for _, release := range releases {
			release()
		}
	}
}

// loseEvent makes a restored claim look as if the dump was made after the payment and before the mark, and the event of the
// payment was on its way.
func loseEvent(t *testing.T, c *cluster, transaction string) {
	t.Helper()
	db := c.database("promotions")
	tag, err := db.Exec(t.Context(), `UPDATE player_promotions
		SET claimed = false, claimed_at = NULL, transaction_id = NULL, claim_id = NULL WHERE transaction_id = $1`, transaction)
	if err == nil {
		_, err = db.Exec(t.Context(), "DELETE FROM inbox WHERE event_id = $1", transaction)
	}
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("the claim of transaction %s: %s, %v", transaction, tag, err)
	}
}

// backupLoad is a load without repetitions: every request must succeed.
type backupLoad struct {
	t      *testing.T
	source *cluster
	staff  client
	dir    string
	late   []string // players who registered while registrations were held back

	acknowledged []string // the transactions of claims that were answered before the dump

	mu           sync.Mutex
	transactions []string // of all answered claims
}

func newBackupLoad(t *testing.T, source *cluster) *backupLoad {
	t.Helper()
	return &backupLoad{t: t, source: source, staff: newStaff(t, source.admin(t)), dir: filepath.Join(t.TempDir(), "backup")}
}

// run runs the load until action returns: workers that assign and claim, and a worker that registers.
func (l *backupLoad) run(action func()) {
	l.t.Helper()
	stop := make(chan struct{})
	var working sync.WaitGroup
	repeat := func(work func()) {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work()
				}
			}
		})
	}
	defer func() {
		close(stop)
		working.Wait()
		if l.t.Failed() {
			l.t.FailNow()
		}
	}()
	for range 3 {
		player := newPlayer(l.t, l.source.url)
		assign(l.staff, newPromotion(l.staff, "BONUS", "1.00").text("id"), player)
		repeat(func() { l.step(player) })
	}
	repeat(func() { l.register() })
	action()
}

// step assigns a promotion to a player, who claims it.
func (l *backupLoad) step(player client) {
	promotion := l.must(l.staff, 201, "/api/v1/promotions", object{
		"title": "Load", "type": "BONUS", "amount": "1.25", "startDate": "2026-01-01", "endDate": "2099-12-31",
	}).text("id")
	l.must(l.staff, 200, "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": []string{player.id}})
	claim := l.must(player, 200, "/api/v1/promotions/claim", object{"promotion_id": promotion})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transactions = append(l.transactions, claim.text("transaction.id"))
}

// register registers a player and returns the id.
func (l *backupLoad) register() string {
	email := fmt.Sprintf("load-%d@example.com", serial.Add(1))
	return l.must(client{t: l.t, url: l.source.url}, 201, "/api/v1/auth/register", object{"email": email, "password": password}).text("id")
}

func (l *backupLoad) must(c client, want int, path string, body object) answer {
	a, err := c.try("POST", path, body)
	if err != nil || a.status != want {
		l.t.Errorf("POST %s: %v, %v", path, a, err)
	}
	return a
}

// progress waits until n more claims are answered.
func (l *backupLoad) progress(n int) {
	l.t.Helper()
	want := len(l.claimed()) + n
	eventually(l.t, "more claims are answered", func() error {
		if got := len(l.claimed()); got < want {
			return fmt.Errorf("%d, want %d", got, want)
		}
		return nil
	})
}

// claimed returns the transactions of the claims that were answered.
func (l *backupLoad) claimed() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.transactions...)
}

// check checks that all claims that were answered before the dump are paid and marked.
func (l *backupLoad) check(restored *cluster) {
	l.t.Helper()
	want := len(l.acknowledged)
	paid := l.count(restored.database("users"), "SELECT count(*) FROM transactions WHERE id = ANY($1::text[]::uuid[])", l.acknowledged)
	marked := l.count(restored.database("promotions"),
		"SELECT count(*) FROM player_promotions WHERE claimed AND transaction_id = ANY($1::text[]::uuid[])", l.acknowledged)
	if paid != want || marked != want {
		l.t.Errorf("of %d claims that were answered before the dump, %d are paid and %d are marked", want, paid, marked)
	}
}

func (l *backupLoad) count(db *pgxpool.Pool, query string, args ...any) (n int) {
	l.t.Helper()
	if err := db.QueryRow(l.t.Context(), query, args...).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}
