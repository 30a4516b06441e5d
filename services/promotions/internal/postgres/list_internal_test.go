package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// node is a node of a plan of EXPLAIN (ANALYZE, FORMAT JSON).
type node struct {
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Loops    float64 `json:"Actual Loops"`
	Filter   string
	Plans    []node
}

func (n node) promotions() float64 {
	rows := 0.0
	if n.Relation == promotion.Table {
		rows = (n.Rows + n.Removed) * n.Loops
	}
	for _, child := range n.Plans {
		rows += child.promotions()
	}
	return rows
}

// explain runs a statement and returns its plan.
func explain(ctx context.Context, t *testing.T, tx pgx.Tx, sql string, args ...any) node {
	t.Helper()
	var text string
	if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}

// TestAssignmentsCostNoMoreWithManyPromotions checks that the filters of a player's assignments read the promotions of the
// assignments only. The memory of a query is too small for a hash table of all promotions: with it, a query that compares
// each assignment with all promotions would look cheap.
func TestAssignmentsCostNoMoreWithManyPromotions(t *testing.T) {
	t.Parallel()
	pool, _ := openRows(t)
	player := uuid.New()
	for _, sql := range []string{
		`INSERT INTO promotions (id, title, description, type, is_active, amount, start_date, end_date, created_at, updated_at)
			SELECT gen_random_uuid(), 'Many', '', 'BONUS', n % 2 = 0, 1, '2026-01-01', '2026-12-31', now(), now()
			FROM generate_series(1, 20000) n`,
		`INSERT INTO player_promotions (id, user_id, amount, created_at, title, promotion_id, claimed)
			SELECT gen_random_uuid(), '` + player.String() + `', 1, now(), 'Many', id, false FROM promotions LIMIT 40`,
		"ANALYZE promotions, player_promotions",
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SET LOCAL work_mem = '64kB'"); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for name, f := range map[string]promotions.AssignmentFilter{
		"available":                    {Available: &yes, Now: now},
		"not available":                {Available: &no, Now: now},
		"type":                         {Type: promotions.PromotionTypeBonus},
		"another type":                 {Type: promotions.PromotionTypeVIPPromotion},
		"not available, of a type":     {Available: &no, Now: now, Type: promotions.PromotionTypeBonus},
		"claimed and not available":    {Claimed: &yes, Available: &no, Now: now},
		"not claimed and available":    {Claimed: &no, Available: &yes, Now: now},
		"no promotion, only available": {Available: &yes, Now: now.AddDate(9, 0, 0)},
	} {
		where, args := assignmentFilter(player, f)
		page, pageArgs := assignmentPage(where, args, keyset.PageRequest[uuid.UUID]{Size: 100, Before: uuid.Max})
		for sql, args := range map[string][]any{postgres.CountSQL("player_promotions", where): args, page: pageArgs} {
			if read := explain(t.Context(), t, tx, sql, args...).promotions(); read > 80 {
				t.Errorf("%s: %s reads %.0f promotions for 40 assignments", name, sql, read)
			}
		}
	}
}

// TestTitleFilterFoldsItsTextOnce checks that a search converts the text of the client to lower case once, and not for each
// promotion.
func TestTitleFilterFoldsItsTextOnce(t *testing.T) {
	t.Parallel()
	pool, _ := openRows(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	// Without the value of the parameter, PostgreSQL cannot compute a constant from it.
	if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	s := entsql.Dialect(dialect.Postgres).Select("id").From(entsql.Table(promotion.Table))
	for _, p := range promotionFilter(promotions.PromotionFilter{Title: "x"}) {
		p(s)
	}
	sql, args := s.Query()
	if plan := explain(t.Context(), t, tx, sql, args...); strings.Contains(plan.Filter, "~~*") ||
		strings.Count(plan.Filter, "lower(") != 1 || len(plan.Plans) != 1 {
		t.Errorf("the plan of %q folds the text for each row: %+v", sql, plan)
	}
}
