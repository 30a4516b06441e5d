package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// node is a node of a plan of EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON).
type node struct {
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Loops    float64 `json:"Actual Loops"`
	Hit      float64 `json:"Shared Hit Blocks"`  // of the node and of its children
	Read     float64 `json:"Shared Read Blocks"` // likewise
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

// filters returns the filters of all nodes.
func (n node) filters() []string {
	all := []string{n.Filter}
	for _, child := range n.Plans {
		all = append(all, child.filters()...)
	}
	return all
}

// explain runs a statement and returns its plan.
func explain(ctx context.Context, t *testing.T, tx pgx.Tx, sql string, args ...any) node {
	t.Helper()
	var text string
	if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
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

// TestPromotionFiltersUseIndexes checks that a list does not read a table or an index from end to end.
func TestPromotionFiltersUseIndexes(t *testing.T) {
	t.Parallel()
	type filter = promotions.PromotionFilter
	yes, no := true, false
	state := func(s promotions.PromotionState) filter { return filter{States: []promotions.PromotionState{s}} }
	day := func(year int) date.Date { return date.Of(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)) }
	for name, tt := range map[string]struct {
		isActive, inactiveAs, start, end string // of promotion n; n from 1 to 6 is one in 4,000
		filters                          map[string]filter
		many                             bool // so that the count reads many rows
	}{
		"most are available": {
			"n NOT BETWEEN 1 AND 3", "CASE n WHEN 1 THEN 'DRAFT' WHEN 2 THEN 'ARCHIVED' ELSE 'PAUSED' END",
			"CASE n WHEN 4 THEN 1990 WHEN 5 THEN 2990 ELSE 2000 END", "CASE n WHEN 4 THEN 1991 WHEN 5 THEN 2991 ELSE 2900 END",
			map[string]filter{
				"inactive": {IsActive: &no}, "not available": {Available: &no}, "another type": {Type: promotions.PromotionTypeVIPPromotion},
				"draft": state(promotions.PromotionStateDraft), "archived": state(promotions.PromotionStateArchived),
				"paused": state(promotions.PromotionStatePaused), "expired": state(promotions.PromotionStateExpired),
				"scheduled": state(promotions.PromotionStateScheduled), "title": {Title: "jackpot"}, "no title": {Title: "nothing"},
				"title with a wildcard": {Title: "50% BONUS"}, "late": {From: day(2950)}, "early": {To: day(1995)},
			}, false,
		},
		"most are archived": {
			"n BETWEEN 1 AND 3", "CASE n WHEN 4 THEN 'DRAFT' WHEN 5 THEN 'PAUSED' ELSE 'ARCHIVED' END",
			"CASE n WHEN 1 THEN 2990 ELSE 2000 END", "CASE WHEN n = 1 THEN 2991 WHEN n BETWEEN 2 AND 5 THEN 2900 ELSE 2001 END",
			map[string]filter{
				"all": {}, "active": {IsActive: &yes}, "available": {Available: &yes}, "not available": {Available: &no},
				"state active": state(promotions.PromotionStateActive), "draft": state(promotions.PromotionStateDraft),
				"paused": state(promotions.PromotionStatePaused), "scheduled": state(promotions.PromotionStateScheduled),
				"late": {From: day(2100)}, "late and early": {From: day(2100), To: day(2200)},
			}, false,
		},
		"most are paused and over": {
			"n BETWEEN 1 AND 3", "'PAUSED'", "2000", "CASE WHEN n BETWEEN 2 AND 5 THEN 2900 ELSE 2001 END",
			map[string]filter{
				"active": {IsActive: &yes}, "available": {Available: &yes}, "late": {From: day(2100)},
				"paused": state(promotions.PromotionStatePaused),
			}, false,
		},
		"oldest are inactive": {
			"id < '01900000-0000-7000-8000-000000020000'", "'PAUSED'", "2000", "2900", map[string]filter{"inactive": {IsActive: &no}}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, _ := openRows(t)
			for _, sql := range []string{
				`INSERT INTO promotions (id, title, description, type, amount, created_at, updated_at, is_active, inactive_as, start_date,
					end_date) SELECT id, CASE n WHEN 6 THEN 'Jackpot! 50% bonus' ELSE 'Offer ' || n END, '',
					CASE n WHEN 6 THEN 'VIP_PROMOTION' ELSE 'BONUS' END, 1, now(), now(),
					` + tt.isActive + "," + tt.inactiveAs + ", make_date(" + tt.start + ", 1, 1), make_date(" + tt.end + `, 1, 1)
					FROM (SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS id, n % 4000 AS n
						FROM generate_series(1, 40000) n) many`,
				"VACUUM ANALYZE promotions",
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
			if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_custom_plan"); err != nil {
				t.Fatal(err)
			}
			for name, f := range tt.filters {
				f.Today = day(2500)
				list := promotionList(f)
				list.Columns = promotionColumns // the usage costs the same for each row of a page
				statement, args := list.Page(keyset.PageRequest[uuid.UUID]{Size: 20})
				statements := map[string][]any{statement: args}
				if statement, args = list.Count(); !tt.many {
					statements[statement] = args
				}
				for sql, args := range statements {
					// The smallest index has 35 blocks, and the table has 600.
					if plan := explain(t.Context(), t, tx, sql, args...); plan.Hit+plan.Read > 30 {
						t.Errorf("%s: reads %.0f blocks:\n%s", name, plan.Hit+plan.Read, sql)
					}
				}
			}
		})
	}
}

// TestTitleFilterFoldsItsTextOnce checks that a search converts a text without an index to lower case once, and not for each
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
	sql, args := promotionList(promotions.PromotionFilter{Title: "x"}).Page(keyset.PageRequest[uuid.UUID]{Size: 20})
	plan := explain(t.Context(), t, tx, sql, args...)
	if filter := strings.Join(plan.filters(), " "); strings.Contains(filter, "~~*") || strings.Count(filter, "lower(") != 1 {
		t.Errorf("the plan of %q folds the text for each row: %s", sql, filter)
	}
}
