package atlas_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestSourceOfEarlierAssignments checks that assignments of older releases get their source, whether they are made before the
// migrations, between them or after them, and that their claims are not refused.
func TestSourceOfEarlierAssignments(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(atlas.Promotions, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Index(files, "20261201100000_assignment_source.sql")
	db := postgrestest.New(t, nil)
	up := func(n int) {
		t.Helper()
		folder := firstFiles(t, atlas.Promotions, files[:n])
		if _, err := migrate.Up(t.Context(), db.Config().ConnString(), folder, dbrole.Role{}, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	assign := func(rows int, by string) {
		t.Helper()
		exec(t, db, fmt.Sprintf(`INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title, assigned_by)
			SELECT gen_random_uuid(), gen_random_uuid(), p.id, 1, now(), '', %s FROM promotions p, generate_series(1, %d)`, by, rows))
	}
	up(first)
	exec(t, db, `INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
		VALUES (gen_random_uuid(), 'a', '', 'BONUS', 1, '2026-01-01', '2026-01-01', now(), now())`)
	assign(2100, "gen_random_uuid()")
	assign(3, "NULL")
	up(first + 1)
	assign(5, "gen_random_uuid()")
	exec(t, db, `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = gen_random_uuid()
		WHERE id IN (SELECT id FROM player_promotions WHERE assigned_by IS NOT NULL LIMIT 10)`)
	up(len(files))
	assign(7, "gen_random_uuid()")
	assign(1, "NULL")
	var staff, registration, others int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE source = 'STAFF' AND assigned_by IS NOT NULL),
		count(*) FILTER (WHERE source = 'REGISTRATION' AND assigned_by IS NULL), count(*) FROM player_promotions`).
		Scan(&staff, &registration, &others); err != nil {
		t.Fatal(err)
	}
	if others -= staff + registration; staff != 2112 || registration != 4 || others != 0 {
		t.Errorf("got %d assignments by employees, %d by registrations and %d others, want 2112, 4 and 0", staff, registration, others)
	}
	violates(t, db, "changed source", "UPDATE player_promotions SET source = 'CODE', assigned_by = NULL", "player_promotions_frozen")
}
