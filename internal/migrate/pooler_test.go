package migrate_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/dbrole"
	. "github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/pgbouncertest"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestUpThroughPgBouncer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "1_init.sql", "create table a ();\n")
	write(t, dir, "2_more.sql", "create table b ();\n")
	for mode, shared := range map[pgbouncertest.Mode]bool{
		pgbouncertest.Session: false, pgbouncertest.Transaction: true, pgbouncertest.Statement: true,
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			url := pgbouncertest.Start(t, postgrestest.URL(t, nil), mode)
			for range 5 {
				applied, err := Up(t.Context(), url+"&search_path=public", os.DirFS(dir), dbrole.Role{}, slog.New(slog.DiscardHandler))
				if errors.Is(err, postgres.ErrSharedSessions) != shared || !shared && err != nil {
					t.Fatalf("Up = %v, %v; want ErrSharedSessions: %t", applied, err, shared)
				}
			}
			status, err := StatusOf(t.Context(), url, os.DirFS(dir))
			if shared != errors.Is(err, postgres.ErrSharedSessions) || !shared && len(status.Applied) != 2 {
				t.Errorf("StatusOf = %+v, %v; want ErrSharedSessions: %t", status, err, shared)
			}
		})
	}
}
