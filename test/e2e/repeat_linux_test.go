package e2e_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// TestRepeatAfterKill kills the promotions service while it creates a promotion, and repeats the request after a restart.
func TestRepeatAfterKill(t *testing.T) { //nolint:tparallel // the subtests kill the same process
	t.Parallel()
	c := startCluster(t, "kafka")
	staff := newStaff(t, c.admin(t))
	db := c.database("promotions")
	direct := startLink(t, "127.0.0.1:0", c.listen["promotions"])
	for name, kill := range map[string]func(t *testing.T, title string){
		"before the answer is stored": func(t *testing.T, title string) {
			tx, err := db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "LOCK TABLE idempotency_keys IN SHARE MODE"); err != nil { // inserts wait
				t.Fatal(err)
			}
			wait := sendCreate(t, staff, title)
			eventually(t, "the answer is being stored", func() error { return storing(t, db) })
			c.kill("promotions")
			_, err = db.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`)
			if err := errors.Join(err, tx.Rollback(t.Context())); err != nil {
				t.Fatal(err)
			}
			wait()
			if n := created(t, db, title); n != 0 {
				t.Errorf("%d promotions are stored without the answer, want none", n)
			}
		},
		"after the commit, before the answer": func(t *testing.T, title string) {
			direct.hold()
			slow := staff
			slow.url = "http://" + direct.address
			wait := sendCreate(t, slow, title)
			eventually(t, "the promotion is stored", func() error {
				if created(t, db, title) != 1 {
					return errors.New("not stored")
				}
				return nil
			})
			c.kill("promotions")
			direct.lose()
			wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			title := "Kill " + name
			kill(t, title)
			c.restartAll("promotions")
			staff := staff.in(t)
			var first answer
			for range 3 {
				a := staff.call(201, "POST", "/api/v1/promotions", bonus(title), "Idempotency-Key", title)
				if first.raw == "" {
					first = a
				}
				if a.raw != first.raw {
					t.Errorf("got %v, want the first answer %v", a, first)
				}
			}
			var id string
			err := db.QueryRow(t.Context(), "SELECT id FROM promotions WHERE title = $1", title).Scan(&id)
			if n := created(t, db, title); err != nil || n != 1 || id != first.text("id") {
				t.Errorf("there are %d promotions, %v, the last one has the id %s, want %s", n, err, id, first.text("id"))
			}
		})
	}
}

// sendCreate creates a promotion with its title as key, and does not wait for the answer. The returned function does.
func sendCreate(t *testing.T, staff client, title string) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a, err := staff.try("POST", "/api/v1/promotions", bonus(title), "Idempotency-Key", title)
		t.Logf("the caller got %v, error %v", a, err)
	}()
	return func() { <-done }
}

// storing returns nil if a transaction waits to store its answer.
func storing(t *testing.T, db *pgxpool.Pool) error {
	var n int
	err := db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
		AND wait_event_type = 'Lock' AND query ILIKE 'INSERT INTO idempotency_keys%'`).Scan(&n)
	if err == nil && n != 1 {
		err = fmt.Errorf("%d transactions wait", n)
	}
	return err
}

func created(t *testing.T, db *pgxpool.Pool, title string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM promotions WHERE title = $1", title).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
