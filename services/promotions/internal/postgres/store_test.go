package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

func TestRegistrationAssignsAvailablePromotionsOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.promotion(promotions.PromotionTypeWelcomeBonus, -10, -1)
	welcome := f.promotion(promotions.PromotionTypeWelcomeBonus, 0, 5)
	f.promotion(promotions.PromotionTypeWelcomeBonus, 6, 9)
	f.promotion(promotions.PromotionTypeBonus, 0, 5)
	player, event := uuid.Must(uuid.NewV7()), uuid.NewString()
	for range 3 {
		if err := f.service.Registered(t.Context(), event, player); err != nil {
			t.Fatal(err)
		}
	}
	// The same registration, published with another event id.
	if err := f.service.Registered(t.Context(), uuid.NewString(), player); err != nil {
		t.Fatal(err)
	}
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].PromotionID != welcome.ID || list.Items[0].AssignedBy != uuid.Nil {
		t.Errorf("got assignments %+v, %v, want promotion %s only", list, err, welcome.ID)
	}
	events := f.outbox()
	if len(events) != 1 || events[0].GetContent().GetAmount() != "20.00" || events[0].GetUserId() != player.String() {
		t.Errorf("the outbox has %v, want one event for the player", events)
	}
}

func TestPlayerStatusHasTheHighestVersion(t *testing.T) {
	t.Parallel()
	f := start(t)
	registered := time.Now()
	type change struct {
		active  bool
		version int64
		after   time.Duration // since the registration
	}
	for name, tt := range map[string]struct {
		unregistered bool // the registration event has not arrived
		changes      []change
		want         bool
	}{
		"no change":                               {want: true},
		"deactivated":                             {changes: []change{{false, 1, time.Hour}}},
		"deactivation with an old time":           {changes: []change{{false, 1, -time.Hour}}},
		"deactivated and activated":               {changes: []change{{false, 1, time.Hour}, {true, 2, 2 * time.Hour}}, want: true},
		"clock set back":                          {changes: []change{{true, 2, 24 * time.Hour}, {false, 3, time.Hour}}},
		"older change arrives last":               {changes: []change{{true, 2, time.Hour}, {false, 1, 2 * time.Hour}}, want: true},
		"older change arrives last, unregistered": {unregistered: true, changes: []change{{true, 2, 2 * time.Hour}, {false, 1, time.Hour}}, want: true},
		"deactivated before registration":         {unregistered: true, changes: []change{{false, 1, time.Hour}}},
		"same change with another event id":       {changes: []change{{false, 1, time.Hour}, {false, 1, time.Hour}}},
		"same version again":                      {changes: []change{{false, 1, time.Hour}, {true, 1, 2 * time.Hour}}},
	} {
		player := uuid.Must(uuid.NewV7())
		if !tt.unregistered {
			player = f.player()
		}
		for _, c := range tt.changes {
			err := f.service.PlayerStatusChanged(t.Context(), uuid.NewString(), promotions.StatusChange{
				Player: player, Active: c.active, Version: c.version, At: registered.Add(c.after),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var active bool
		if err := f.pool.QueryRow(t.Context(), "SELECT is_active FROM players WHERE id = $1", player).Scan(&active); err != nil {
			t.Fatal(err)
		}
		if active != tt.want {
			t.Errorf("%s: got active %t, want %t", name, active, tt.want)
		}
	}
}

func TestAssignReturnsAnOutcomeForEachPlayer(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeVIPPromotion, 0, 0)
	first, second, inactive, unknown := f.player(), f.player(), f.player(), uuid.Must(uuid.NewV7())
	if err := f.service.PlayerStatusChanged(t.Context(), uuid.NewString(), promotions.StatusChange{Player: inactive, Version: 1, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	staff := uuid.Must(uuid.NewV7())
	if _, err := f.service.Assign(t.Context(), p.ID, []uuid.UUID{first}, staff, false); err != nil {
		t.Fatal(err)
	}
	got, err := f.service.Assign(t.Context(), p.ID, []uuid.UUID{second, unknown, first, inactive, second}, staff, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []promotions.AssignResult{
		{Player: second, Outcome: promotions.AssignOutcomeAssigned},
		{Player: unknown, Outcome: promotions.AssignOutcomeUnknownPlayer},
		{Player: first, Outcome: promotions.AssignOutcomeAlreadyAssigned},
		{Player: inactive, Outcome: promotions.AssignOutcomeInactivePlayer},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d results, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("result %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if events := f.outbox(); len(events) != 2 {
		t.Errorf("the outbox has %d events, want 2", len(events))
	}
	for code, p := range map[apperr.Code]promotions.Promotion{
		apperr.PromotionExpired:    f.promotion(promotions.PromotionTypeBonus, -2, -1),
		apperr.PromotionNotStarted: f.promotion(promotions.PromotionTypeBonus, 1, 2),
		apperr.NotFound:            {ID: unknown},
	} {
		_, err := f.service.Assign(t.Context(), p.ID, []uuid.UUID{first}, staff, false)
		f.wantCode(err, code)
	}
}

func TestConcurrentAssignmentsOfTheSamePlayers(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	players := make([]uuid.UUID, 40)
	for i := range players {
		players[i] = f.player()
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	assigned := map[uuid.UUID]int{}
	for n := range 8 {
		rotated := append(append([]uuid.UUID{}, players[n*5:]...), players[:n*5]...)
		wg.Go(func() {
			results, err := f.service.Assign(t.Context(), p.ID, rotated, uuid.Must(uuid.NewV7()), false)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, r := range results {
				if r.Outcome == promotions.AssignOutcomeAssigned {
					assigned[r.Player]++
				}
			}
		})
	}
	wg.Wait()
	for _, player := range players {
		if assigned[player] != 1 {
			t.Errorf("player %s was assigned %d times, want once", player, assigned[player])
		}
	}
	if events := f.outbox(); len(events) != len(players) {
		t.Errorf("the outbox has %d events, want %d", len(events), len(players))
	}
}

// TestListAssignmentsWithoutPromotions makes the query of the page fail after the one of the total, as the end of the
// connection does.
func TestListAssignmentsWithoutPromotions(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, _ := f.assigned()
	role := pgx.Identifier{f.role.Config().ConnConfig.User}.Sanitize()
	if _, err := f.pool.Exec(t.Context(), "REVOKE SELECT ON promotions FROM "+role); err != nil {
		t.Fatal(err)
	}
	page, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err == nil || len(page.Items) > 0 {
		t.Errorf("got %d assignments, %v, want an error only", len(page.Items), err)
	}
}

func TestConcurrentCreatesOfAUniqueType(t *testing.T) {
	t.Parallel()
	f := start(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[apperr.Code]int{}
	for range 10 {
		wg.Go(func() {
			_, err := f.service.Create(t.Context(), promotions.Promotion{
				Title: "x", Type: promotions.PromotionTypeWelcomeBonus, Amount: 1, IsActive: true, StartDate: f.today, EndDate: f.today,
			})
			mu.Lock()
			defer mu.Unlock()
			codes[apperr.CodeOf(err)]++
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[apperr.PromotionExists] != 9 {
		t.Errorf("got codes %v, want one success and 9 PROMOTION_EXISTS", codes)
	}
}

// TestCreatesOfAUniqueTypeDoNotDeadlock rolls back a promotion for which others wait. If two had been inserted already, each
// would then wait for the other.
func TestCreatesOfAUniqueTypeDoNotDeadlock(t *testing.T) {
	t.Parallel()
	f := start(t)
	first, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = first.Exec(t.Context(), `INSERT INTO promotions
		(id, title, description, type, amount, start_date, end_date, created_at, updated_at)
		VALUES (gen_random_uuid(), 'x', '', 'WELCOME_BONUS', 1, $1, $1, now(), now())`, f.today)
	if err != nil {
		t.Fatal(err)
	}
	const creates = 3
	results := make(chan error, creates)
	for range creates {
		go func() {
			_, err := f.service.Create(t.Context(), promotions.Promotion{
				Title: "x", Type: promotions.PromotionTypeWelcomeBonus, Amount: 1, IsActive: true, StartDate: f.today, EndDate: f.today,
			})
			results <- err
		}()
	}
	for waiting, inserted := 0, 0; waiting < creates; {
		err := f.pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE l.locktype = 'transactionid') FROM pg_locks l
			JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`).Scan(&waiting, &inserted)
		if err != nil {
			t.Fatal(err)
		}
		if inserted > 1 {
			t.Fatalf("%d promotions have been inserted and wait, want 1", inserted)
		}
	}
	if err := first.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	codes := map[apperr.Code]int{}
	for range creates {
		codes[apperr.CodeOf(<-results)]++
	}
	if codes[""] != 1 || codes[apperr.PromotionExists] != creates-1 {
		t.Errorf("got codes %v, want one success and %d PROMOTION_EXISTS", codes, creates-1)
	}
}

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
