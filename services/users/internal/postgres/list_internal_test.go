package postgres

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
)

// TestInactiveUsersUseTheIndex checks that a list of the few inactive users does not read the active ones.
func TestInactiveUsersUseTheIndex(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, atlas.Users)
	for _, sql := range []string{
		`INSERT INTO users (id, email, email_folded, role, password_hash, created_at, is_active)
			SELECT gen_random_uuid(), e, e, 'PLAYER', '', now(), n % 2000 > 0
			FROM generate_series(1, 20000) n, concat('player', n, '@x.example') e`,
		"ANALYZE users",
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	inactive := false
	for name, f := range map[string]users.UserFilter{
		"inactive":               {IsActive: &inactive},
		"inactive players":       {IsActive: &inactive, Role: authn.RolePlayer},
		"inactive with a prefix": {IsActive: &inactive, EmailPrefix: "player"},
	} {
		sql, args := userList(f).Page(keyset.PageRequest[uuid.UUID]{Size: 20})
		rows, err := pool.Query(t.Context(), "EXPLAIN "+sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "users_is_active_id") {
			t.Errorf("%s: the plan does not use the index:\n%s", name, text)
		}
	}
}
