package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
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
		if err := f.service.Registered(t.Context(), event, player, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	// The same registration, published with another event id.
	if err := f.service.Registered(t.Context(), uuid.NewString(), player, time.Now()); err != nil {
		t.Fatal(err)
	}
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].PromotionID != welcome.ID || list.Items[0].AssignedBy != uuid.Nil ||
		list.Items[0].Source != promotions.AssignmentSourceRegistration {
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
