package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// faults are faults of the running platform. The platform must recover from each fault without losing or duplicating
// anything.
var faults = []struct {
	name string
	run  func(t *testing.T, c *cluster)
	// notReplicated is the reason not to run the fault on three replicas behind Nginx.
	notReplicated string
}{
	{"users is killed during a claim", usersKilled, ""},
	{"promotions is killed after the credit of a claim", killedAfterCredit, ""},
	{"a promotion is deactivated during a claim", deactivatedDuringClaim, ""},
	{"an event is delivered twice", deliveredTwice, ""},
	{"a record has no headers", recordWithoutHeaders, ""},
	{"each service is killed during claims", killedInTurn, "the faults of TestReplicated kill each replica under load"},
	{"a record cannot be decoded", malformedRecords, "it leaves dead letters, so it is the last fault of a platform"},
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, bus := range []string{"kafka", "nats"} {
		t.Run(bus, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, bus)
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) { f.run(t, c) })
			}
			for _, name := range []string{"notifications", "promotions", "users"} {
				c.stop(name)
			}
		})
	}
}

func usersKilled(t *testing.T, c *cluster) {
	player, promotion := newAssignment(t, c.platform, "6.00")
	c.killAll("users")
	body := object{"promotion_id": promotion}
	player.refused(503, "DEPENDENCY_UNAVAILABLE", "POST", "/api/v1/promotions/claim", body)
	list := player.call(200, "GET", "/api/v1/promotions/players/"+player.id+"?claimed=false", nil)
	if len(list.list("assignments")) == 0 {
		t.Errorf("after a failed credit: got %v, want the assignment unclaimed", list)
	}
	c.restartAll("users")
	eventually(t, "the claim succeeds after the restart of users", func() error {
		a, err := player.try("POST", "/api/v1/promotions/claim", body)
		if err == nil && a.status != 200 {
			err = errors.New(a.String())
		}
		return err
	})
	paidOnce(t, player, "6.00")
	c.verify(t)
}

// heldClaim starts a claim and returns when the ledger has paid. The claim cannot mark the assignment as claimed, because
// heldClaim locks the row until release is called.
func heldClaim(t *testing.T, c *cluster, player client, promotion string) (response <-chan answer, release func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	tx, err := c.database("promotions").Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(ctx, "SELECT 1 FROM player_promotions WHERE user_id = $1 AND promotion_id = $2 FOR UPDATE", player.id, promotion)
	if err != nil {
		t.Fatal(err)
	}
	responses := make(chan answer, 1)
	go func() {
		a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
		if err != nil {
			a.raw = err.Error()
		}
		responses <- a
	}()
	users := c.database("users")
	eventually(t, "the ledger has paid", func() error {
		var n int
		err := users.QueryRow(ctx, "SELECT count(*) FROM transactions WHERE user_id = $1", player.id).Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d transactions", n)
		}
		return err
	})
	return responses, func() {
		if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			t.Error(err)
		}
	}
}

func killedAfterCredit(t *testing.T, c *cluster) {
	player, promotion := newAssignment(t, c.platform, "8.00")
	response, release := heldClaim(t, c, player, promotion)
	c.killAll("promotions")
	if a := <-response; a.status == 200 {
		t.Fatalf("claim at the killed process: got %v, want no success", a)
	}
	// The statement of the killed process still waits for the lock in PostgreSQL. End it before it marks the assignment.
	_, err := c.database("promotions").Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	if err != nil {
		t.Fatal(err)
	}
	release()
	c.restartAll("promotions")
	eventually(t, "the ledger's event marks the assignment", func() error {
		list := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil).list("assignments")
		for _, a := range list {
			if text(a, "promotion_id") == promotion && a["claimed"] == true {
				return nil
			}
		}
		return fmt.Errorf("%v", list)
	})
	entry := player.call(200, "GET", "/api/v1/users/me/transactions", nil).list("transactions")[0]
	again := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	if again.text("transaction.id") != text(entry, "id") {
		t.Errorf("repeated claim: got %v, want transaction %v", again, entry)
	}
	paidOnce(t, player, "8.00")
	c.verify(t)
}

func deactivatedDuringClaim(t *testing.T, c *cluster) {
	player, promotion := newAssignment(t, c.platform, "9.00")
	staff := newStaff(t, c.admin(t))
	response, release := heldClaim(t, c, player, promotion)
	deactivated := make(chan answer, 1)
	go func() {
		a, err := staff.try("PATCH", "/api/v1/promotions/"+promotion, object{"isActive": false})
		if err != nil {
			a.raw = err.Error()
		}
		deactivated <- a
	}()
	eventually(t, "the deactivation waits for the claim", func() error {
		var n int
		err := c.database("promotions").QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'`).Scan(&n)
		if err == nil && n == 0 {
			err = errors.New("no session waits")
		}
		return err
	})
	release()
	if a := <-response; a.status != 200 {
		t.Errorf("claim that was paid before the deactivation: got %v, want 200", a)
	}
	if a := <-deactivated; a.status != 200 {
		t.Errorf("deactivation during the claim: got %v, want 200", a)
	}
	paidOnce(t, player, "9.00")
	c.verify(t)
}

func deliveredTwice(t *testing.T, c *cluster) {
	staff := newStaff(t, c.admin(t))
	bonus := newPromotion(staff, "WELCOME_BONUS", "1.00").text("id")
	defer staff.call(200, "PATCH", "/api/v1/promotions/"+bonus, object{"isActive": false})
	player := newPlayer(t, c.url)
	eventually(t, "the player is notified of the welcome bonus", func() error { return times(player, bonus, 1) })

	twice := uuid.NewString()
	notification, err := notificationsv1event.NewNotificationEvent(uuid.New(), time.Now(), &notificationsv1.NotificationEvent{
		EventType: notificationsv1.NotificationEventType_PROMOTION, UserId: player.id,
		Content: &promotionsv1.Promotion{
			Id: twice, Title: "x", Type: promotionsv1.PromotionType_BONUS, Amount: "1.00", StartDate: "2026-01-01", EndDate: "2026-12-31",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	registered := registeredEvent(t, player.id)
	for range 2 {
		if err := c.bus.Publish(t.Context(), registered, notification); err != nil {
			t.Fatal(err)
		}
	}
	// Events with the same topic and key are handled in order. When the last event of each topic has been handled, the
	// duplicates before it have been handled too.
	unregistered := uuid.NewString()
	lastRegistered, lastNotification := registeredEvent(t, unregistered), notification
	lastRegistered.Key, lastNotification.ID = registered.Key, uuid.NewString()
	if err := c.bus.Publish(t.Context(), lastRegistered, lastNotification); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last registration is handled", func() error { return hasAssignments(staff, unregistered, 1) })
	eventually(t, "the two notifications with different ids are stored", func() error {
		return times(player, twice, 2)
	})
	if err := hasAssignments(staff, player.id, 1); err != nil {
		t.Error(err)
	}
	if err := times(player, bonus, 1); err != nil {
		t.Error(err)
	}
	forget(t, c, unregistered)
	c.verify(t)
}

// forget removes a player with one notification, whom only a forged event registered, because loyalty verify reports the
// player.
func forget(t *testing.T, c *cluster, player string) {
	t.Helper()
	eventually(t, "the notification of the forged player is stored", func() error {
		var n int
		const count = "SELECT count(*) FROM notifications WHERE user_id = $1"
		err := c.database("notifications").QueryRow(t.Context(), count, player).Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d notifications", n)
		}
		return err
	})
	for _, statement := range []struct{ service, sql string }{
		{"promotions", "DELETE FROM player_promotions WHERE user_id = $1"},
		{"promotions", "DELETE FROM players WHERE id = $1"},
		{"notifications", "DELETE FROM notifications WHERE user_id = $1"},
	} {
		if _, err := c.database(statement.service).Exec(t.Context(), statement.sql, player); err != nil {
			t.Fatal(err)
		}
	}
}

// registeredEvent returns a new event for the registration of a player.
func registeredEvent(t *testing.T, player string) event.Event {
	t.Helper()
	e, err := usersv1event.NewPlayerEvent(uuid.New(), time.Now(), &usersv1.PlayerEvent{
		EventType: usersv1.PlayerEventType_PLAYER_REGISTERED, UserId: player,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// hasAssignments returns an error unless the player has n assignments.
func hasAssignments(staff client, player string, n int) error {
	staff.t.Helper()
	list := staff.call(200, "GET", "/api/v1/promotions/players/"+player, nil)
	if len(list.list("assignments")) != n {
		return fmt.Errorf("player %s has %v, want %d assignments", player, list, n)
	}
	return nil
}

func recordWithoutHeaders(t *testing.T, c *cluster) {
	staff := newStaff(t, c.admin(t))
	bonus := newPromotion(staff, "WELCOME_BONUS", "1.00").text("id")
	defer staff.call(200, "PATCH", "/api/v1/promotions/"+bonus, object{"isActive": false})
	player := newPlayer(t, c.url)
	record, err := json.Marshal(object{
		"topic": "notifications", "user_id": player.id, "eventType": "PROMOTION",
		"content": object{
			"id": "5bcc490a-7645-420a-b8f8-16dcaeafe32c", "title": "Welcome Bonus",
			"description": "Get a welcome bonus on registration", "isActive": true, "type": "WELCOME_BONUS",
			"amount": "20.00", "startDate": "2025-01-01", "endDate": "2025-06-10",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	unregistered := uuid.NewString()
	registered := fmt.Sprintf(`{"topic":"player","eventType":"PLAYER_REGISTERED","user_id":%q}`, unregistered)
	c.publishRaw("notifications", player.id, record)
	c.publishRaw("players", unregistered, []byte(registered))
	eventually(t, "the notification of the record is stored", func() error {
		for _, n := range player.call(200, "GET", "/api/v1/notifications", nil).list("notifications") {
			if text(n, "content.title") == "Welcome Bonus" && text(n, "content.amount") == "20.00" {
				return nil
			}
		}
		return errors.New("not stored yet")
	})
	eventually(t, "the player of the record has the welcome bonus", func() error { return hasAssignments(staff, unregistered, 1) })
	forget(t, c, unregistered)
}

func malformedRecords(t *testing.T, c *cluster) {
	before := map[string]int64{}
	for _, topic := range []string{"players", "notifications", "transactions"} {
		n, err := c.bus.Depth(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		before[topic] = n
		c.publishRaw(topic, "malformed", []byte(`{"user_id": 12345`))
	}
	player, promotion := newAssignment(t, c.platform, "1.00")
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	for topic, n := range before {
		eventually(t, "the malformed record of "+topic+" is a dead letter", func() error {
			depth, err := c.bus.Depth(t.Context(), topic)
			if err == nil && depth != n+1 {
				err = fmt.Errorf("%d dead letters, want %d", depth, n+1)
			}
			return err
		})
	}
}

func killedInTurn(t *testing.T, c *cluster) {
	staff := newStaff(t, c.admin(t))
	const players = 12
	var all []client
	for range players {
		all = append(all, newPlayer(t, c.url))
	}
	var promotions []string
	for range 6 {
		p := newPromotion(staff, "BONUS", "1.00").text("id")
		assign(staff, p, all...)
		promotions = append(promotions, p)
	}
	for i, promotion := range promotions {
		service := []string{"users", "promotions", "notifications"}[i%3]
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, player := range all {
				// The claim may fail. It is repeated below.
				_, _ = player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
			}
		}()
		c.killAll(service)
		<-done
		c.restartAll(service)
		for _, player := range all {
			eventually(t, "the claim succeeds", func() error {
				a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
				if err == nil && a.status != 200 && a.text("code") != "PROMOTION_ALREADY_CLAIMED" {
					err = errors.New(a.String())
				}
				return err
			})
		}
	}
	for _, player := range all {
		if got := player.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != fmt.Sprintf("%d.00", len(promotions)) {
			t.Errorf("the balance is %s after %d claims of 1.00, want %d.00", got, len(promotions), len(promotions))
		}
	}
	c.verify(t)
}
