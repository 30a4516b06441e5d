package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

func TestTotalOfManyPromotions(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, tt := range []struct {
		rows     int
		estimate bool
	}{{keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, true}} {
		_, err := f.pool.Exec(t.Context(), `INSERT INTO promotions
			(id, title, description, type, amount, start_date, end_date, created_at, updated_at)
			SELECT gen_random_uuid(), 'Many', '', 'BONUS', 1, '2026-01-01', '2026-01-01', now(), now()
			FROM generate_series(1 + (SELECT count(*) FROM promotions), $1)`, tt.rows)
		if err != nil {
			t.Fatal(err)
		}
		filter := promotions.PromotionFilter{Title: "many"}
		page, err := f.service.List(t.Context(), filter, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil || page.TotalIsEstimate != tt.estimate || page.Total != min(tt.rows, keyset.MaxExactTotal+1) {
			t.Errorf("%d rows: got total %d, estimate %t, %v", tt.rows, page.Total, page.TotalIsEstimate, err)
		}
	}
}

// TestListsTakeOneRoundTrip reads the lists after a warm-up, because a new connection asks for its types.
func TestListsTakeOneRoundTrip(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, _ := f.assigned()
	trips := postgrestest.CountRoundTrips(t, f.role)
	service := promotions.New(postgres.New(trips.Pool, func() {}), f.ledger, time.Now)
	list := func() {
		page, err := service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
		if err != nil || len(page.Items) != 1 || page.Items[0].Promotion.Title == "" {
			t.Errorf("got %+v, %v, want one assignment with its promotion", page, err)
		}
	}
	list()
	if n := trips.During(list); n != 1 {
		t.Errorf("the list took %d round trips, want 1", n)
	}
	all := func() {
		page, err := service.List(t.Context(), promotions.PromotionFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("got %+v, %v, want one promotion", page, err)
		}
	}
	all()
	if n := trips.During(all); n != 1 {
		t.Errorf("the list of promotions took %d round trips, want 1", n)
	}
}

// TestPromotionsPlannedWithTheirArguments checks that the list does not use a plan that ignores the values of the filters,
// and that other statements still may.
func TestPromotionsPlannedWithTheirArguments(t *testing.T) {
	t.Parallel()
	f := start(t)
	config := f.role.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	service := promotions.New(postgres.New(pool, func() {}), f.ledger, time.Now)
	for range 10 { // PostgreSQL considers a generic plan from the sixth execution on
		if _, err := service.List(t.Context(), promotions.PromotionFilter{Title: "x"}, keyset.PageRequest[uuid.UUID]{Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	var mode string
	var custom, generic int
	err = pool.QueryRow(t.Context(), `SELECT current_setting('plan_cache_mode'), sum(custom_plans), sum(generic_plans)
		FROM pg_prepared_statements WHERE statement LIKE '%FROM "promotions"%' AND statement NOT LIKE '%pg_prepared%'`).Scan(&mode, &custom, &generic)
	if err != nil || mode != "auto" || custom != 20 || generic != 0 {
		t.Errorf("got mode %s, %d custom plans, %d generic plans, %v, want auto, 20, 0", mode, custom, generic, err)
	}
}

func TestTotalOfManyAssignments(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := uuid.Must(uuid.NewV7())
	for _, tt := range []struct {
		rows     int
		estimate bool
	}{{keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, true}} {
		_, err := f.pool.Exec(t.Context(), `WITH many AS (INSERT INTO promotions
			(id, title, description, type, amount, start_date, end_date, created_at, updated_at)
			SELECT gen_random_uuid(), 'Many', '', 'BONUS', 1, '2026-01-01', '2026-01-01', now(), now()
			FROM generate_series(1 + (SELECT count(*) FROM promotions), $1) RETURNING *)
			INSERT INTO player_promotions (id, user_id, promotion_id, amount, title, created_at)
			SELECT id, $2, id, amount, title, now() FROM many`, tt.rows, player)
		if err != nil {
			t.Fatal(err)
		}
		for name, filter := range map[string]promotions.AssignmentFilter{
			"no filter": {}, "type": {Type: promotions.PromotionTypeBonus}, "not claimed": {Claimed: new(bool)},
		} {
			page, err := f.service.ListAssignments(t.Context(), player, filter, keyset.PageRequest[uuid.UUID]{Size: 1})
			if err != nil || page.TotalIsEstimate != tt.estimate || page.Total != min(tt.rows, keyset.MaxExactTotal+1) {
				t.Errorf("%s, %d rows: got total %d, estimate %t, %v", name, tt.rows, page.Total, page.TotalIsEstimate, err)
			}
		}
	}
}

func TestUpdateAndList(t *testing.T) {
	t.Parallel()
	f := start(t)
	var all []promotions.Promotion
	for i := range 5 {
		all = append(all, f.promotion(promotions.PromotionTypeBonus, i, i))
	}
	inactive, err := f.service.Update(t.Context(), all[0].ID, func(p *promotions.Promotion) error {
		p.IsActive, p.Title, p.Amount = false, "Deactivated", money.Amount(1)
		return nil
	})
	if err != nil || inactive.UpdatedAt.Before(inactive.CreatedAt) {
		t.Fatalf("got %+v, %v, want updatedAt not before createdAt", inactive, err)
	}
	same, err := f.service.Update(t.Context(), inactive.ID, func(p *promotions.Promotion) error {
		p.IsActive = false
		return nil
	})
	if err != nil || same != inactive {
		t.Errorf("update without a change: got %+v, %v, want %+v", same, err, inactive)
	}
	_, err = f.service.List(t.Context(), promotions.PromotionFilter{From: f.today, To: f.today.AddDays(-1)}, keyset.PageRequest[uuid.UUID]{Size: 1})
	f.wantCode(err, apperr.ValidationFailed)
	yes, no := true, false
	for name, tt := range map[string]struct {
		f    promotions.PromotionFilter
		want int
	}{
		"all":                     {promotions.PromotionFilter{}, 5},
		"type":                    {promotions.PromotionFilter{Type: promotions.PromotionTypeVIPPromotion}, 0},
		"active":                  {promotions.PromotionFilter{IsActive: &yes}, 4},
		"available":               {promotions.PromotionFilter{Available: &yes}, 0},
		"not available":           {promotions.PromotionFilter{Available: &no}, 5},
		"title in another case":   {promotions.PromotionFilter{Title: "deact"}, 1},
		"percent sign in a title": {promotions.PromotionFilter{Title: "0% of"}, 4},
		"underscore in a title":   {promotions.PromotionFilter{Title: "_every"}, 4},
		"wildcards in a title":    {promotions.PromotionFilter{Title: "5_%"}, 0},
		"word in a title":         {promotions.PromotionFilter{Title: "_EVERYTHING_"}, 4},
		"word with an underscore": {promotions.PromotionFilter{Title: "every_hing"}, 0},
		"word with a percentage":  {promotions.PromotionFilter{Title: "every%"}, 0},
		"word with a backslash":   {promotions.PromotionFilter{Title: `everything\_`}, 0},
		"from":                    {promotions.PromotionFilter{From: f.today.AddDays(3)}, 2},
		"to":                      {promotions.PromotionFilter{To: f.today.AddDays(1)}, 2},
		"from and to":             {promotions.PromotionFilter{From: f.today.AddDays(1), To: f.today.AddDays(2)}, 2},
	} {
		got, err := f.service.List(t.Context(), tt.f, keyset.PageRequest[uuid.UUID]{Size: 10})
		if err != nil || got.Total != tt.want || len(got.Items) != tt.want || got.More {
			t.Errorf("%s: got %d items of %d, %v; want %d", name, len(got.Items), got.Total, err, tt.want)
		}
	}
	page := keyset.PageRequest[uuid.UUID]{Size: 2}
	for i := 4; i >= 0; {
		got, err := f.service.List(t.Context(), promotions.PromotionFilter{}, page)
		if err != nil || got.Total != 5 {
			t.Fatalf("page before %s: got %+v, %v, want a total of 5", page.Before, got, err)
		}
		for _, p := range got.Items {
			if p.ID != all[i].ID {
				t.Errorf("got promotion %s, want %s", p.ID, all[i].ID)
			}
			i--
			page.Before = p.ID
		}
		f.promotion(promotions.PromotionTypeVIPPromotion, 0, 0) // a newer promotion does not shift the pages
		if _, err := f.pool.Exec(t.Context(), "DELETE FROM promotions WHERE type = 'VIP_PROMOTION'"); err != nil {
			t.Fatal(err)
		}
	}
}
