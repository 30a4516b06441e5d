package verify

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestTablesAreReadInTheOrderOfIndexes checks that PostgreSQL can read the ledger and the audit trail without sorting all of
// them. It excludes the plans that are better for a small table.
func TestTablesAreReadInTheOrderOfIndexes(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{"ledger": ledgerSQL("t.purpose"), "audit trail": auditedUsersSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readInOrder(t, sql)
		})
	}
}

func readInOrder(t *testing.T, sql string) {
	t.Helper()
	tx, err := postgrestest.New(t, atlas.Users).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	for _, plan := range []string{"seqscan", "hashjoin", "bitmapscan"} {
		if _, err := tx.Exec(t.Context(), "SET LOCAL enable_"+plan+" = off"); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := tx.Query(t.Context(), "EXPLAIN "+sql)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(plan, "\n"); !strings.Contains(text, "Presorted Key: u.id") {
		t.Errorf("the plan sorts the whole table:\n%s", text)
	}
}
