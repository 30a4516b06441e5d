package e2e_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
)

// scenarios are the use cases of the product. TestScenarios runs each of them with every bus.
var scenarios = map[string]func(t *testing.T, p platform){
	"a new player gets the welcome bonus, claims it and is paid":  welcomed,
	"an offline player finds the notification unread":             offline,
	"assign returns an outcome for each player and notifies once": assigned,
	"a second claim is refused with the transaction":              claimedTwice,
	"a repeated Idempotency-Key returns the same response":        idempotencyKey,
	"fifty concurrent claims pay once":                            concurrentClaims,
	"a deactivation ends all sessions at once":                    deactivated,
	"the read state reaches all sockets":                          readEverywhere,
	"a socket resumes without gap or duplicate":                   resumed,
	"an unavailable promotion cannot be claimed":                  notClaimable,
	"welcome bonuses are unique per period":                       uniquePerPeriod,
	"limits hold, and only employees see them":                    limited,
	"assignments expire and are revoked":                          ended,
	"a restriction stops claims and assignments in progress":      restrictedMeanwhile,
	"a player who opted out is assigned, but not notified":        optedOut,
	"assignments keep the version of the terms":                   termsKept,
	"jobs assign promotions to audiences":                         jobs,
	"a code assigns its promotion":                                redeemed,
	"the rules of claims are explained":                           explained,
	"wrong codes are limited":                                     guessed,
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, bus := range []string{"kafka", "nats"} {
		t.Run(bus, func(t *testing.T) {
			t.Parallel()
			p := startDev(t, bus)
			for name, run := range scenarios {
				t.Run(name, func(t *testing.T) { run(t, p) })
			}
			p.verify(t)
		})
	}
}

// welcome returns the available welcome bonus. It creates one if there is none.
func welcome(t *testing.T, p platform) object {
	t.Helper()
	admin := p.admin(t)
	list := admin.call(200, "GET", "/api/v1/promotions?type=WELCOME_BONUS&available=true", nil).list("promotions")
	if len(list) > 0 {
		return list[0]
	}
	return newPromotion(newStaff(t, admin), "WELCOME_BONUS", "20").body
}

func welcomed(t *testing.T, p platform) {
	bonus := welcome(t, p)
	c := client{t: t, url: p.url, email: "welcomed@example.com"}
	a := c.call(201, "POST", "/api/v1/auth/register", object{"email": c.email, "password": password})
	if a.text("role") != "PLAYER" || a.text("balance") != "0.00" || a.body["isActive"] != true {
		t.Errorf("register: got %v, want an active player with the balance 0.00", a)
	}
	c = c.login(password)
	live := connect(c, "")
	var notification object
	eventually(t, "the notification is stored", func() error {
		list := c.call(200, "GET", "/api/v1/notifications", nil).list("notifications")
		if len(list) != 1 {
			return fmt.Errorf("%d notifications", len(list))
		}
		notification = list[0]
		return nil
	})
	if text(notification, "type") != "promotion" || text(notification, "content.id") != text(bonus, "id") ||
		text(notification, "content.amount") != "20.00" || notification["read"] != false {
		t.Errorf("the notification is %v, want the unread welcome bonus of 20.00", notification)
	}

	// The notification of the bonus may have been stored before the socket opened. The next notification arrives on the socket.
	staff := newStaff(t, p.admin(t))
	extra := newPromotion(staff, "BONUS", "5.5")
	assign(staff, extra.text("id"), c)
	for {
		frame := live.frame()
		if text(frame, "notification.content.id") == extra.text("id") {
			if text(frame, "notification.content.amount") != "5.50" || text(frame, "notification.type") != "promotion" {
				t.Errorf("got frame %v, want a notification of type promotion with the amount 5.50", frame)
			}
			break
		}
	}

	list := c.call(200, "GET", "/api/v1/promotions/players/"+c.id+"?type=WELCOME_BONUS", nil).list("assignments")
	if len(list) != 1 || list[0]["claimed"] != false || text(list[0], "promotion.id") != text(bonus, "id") {
		t.Fatalf("the assignments are %v, want the bonus, unclaimed", list)
	}
	claim := c.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": text(bonus, "id")})
	if claim.body["assignment"].(object)["claimed"] != true ||
		claim.text("assignment.transactionId") != claim.text("transaction.id") {
		t.Errorf("claim: got %v, want a claimed assignment with the id of the transaction", claim)
	}
	want := fmt.Sprintf("Claimed '%s' promotion of type 'WELCOME_BONUS'", text(bonus, "title"))
	if got := claim.text("transaction.description"); got != want {
		t.Errorf("the description is %q, want %q", got, want)
	}
	if got := claim.text("transaction.additionalData.promotionId"); got != text(bonus, "id") {
		t.Errorf("the promotionId is %q, want %s", got, text(bonus, "id"))
	}
	if got := c.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != "20.00" {
		t.Errorf("the balance is %s, want 20.00", got)
	}
	ledger := c.call(200, "GET", "/api/v1/users/me/transactions", nil)
	if entries := ledger.list("transactions"); len(entries) != 1 || text(entries[0], "id") != claim.text("transaction.id") ||
		text(entries[0], "balanceAfter") != "20.00" {
		t.Errorf("the transactions are %v, want one with the balance 20.00", ledger)
	}
}

func offline(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	c := newPlayer(t, p.url)
	promotion := newPromotion(staff, "VIP_PROMOTION", "1.00")
	assign(staff, promotion.text("id"), c)
	var unread answer
	eventually(t, "the promotion is stored unread", func() error {
		unread = c.call(200, "GET", "/api/v1/notifications?unread=true", nil)
		for _, n := range unread.list("notifications") {
			if text(n, "content.id") == promotion.text("id") {
				return nil
			}
		}
		return fmt.Errorf("%v", unread)
	})
	if unread.text("user_id") != c.id {
		t.Errorf("user_id is %q, want %s", unread.text("user_id"), c.id)
	}
	if left := c.call(200, "POST", "/api/v1/notifications/read", object{"all": true}); left.body["unread"] != 0.0 {
		t.Errorf("read all: got %v, want 0 unread", left)
	}
	if again := c.call(200, "GET", "/api/v1/notifications?unread=true", nil); len(again.list("notifications")) != 0 {
		t.Errorf("unread notifications: got %v, want none", again)
	}
}

func assigned(t *testing.T, p platform) {
	admin := p.admin(t)
	staff := newStaff(t, admin)
	first, second, inactive := newPlayer(t, p.url), newPlayer(t, p.url), newPlayer(t, p.url)
	admin.call(200, "POST", "/api/v1/users/"+inactive.id+"/deactivate", nil)
	promotion := newPromotion(staff, "BONUS", "3.00").text("id")
	assign(staff, promotion, first)
	ids := []string{first.id, second.id, inactive.id, someID, second.id, staff.id}
	want := map[string]string{
		first.id: "ALREADY_ASSIGNED", second.id: "ASSIGNED|ALREADY_ASSIGNED", inactive.id: "INACTIVE_PLAYER",
		someID: "UNKNOWN_PLAYER", staff.id: "UNKNOWN_PLAYER",
	}
	eventually(t, "every player has the expected outcome", func() error {
		results := staff.call(200, "POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": ids}).list("results")
		if len(results) != len(want) {
			return fmt.Errorf("%d results: %v", len(results), results)
		}
		for _, r := range results {
			outcome, allowed := text(r, "outcome"), want[text(r, "player_id")]
			if outcome != allowed && (allowed != "ASSIGNED|ALREADY_ASSIGNED" || outcome != "ASSIGNED" && outcome != "ALREADY_ASSIGNED") {
				return fmt.Errorf("%s is %s, want %s", text(r, "player_id"), outcome, allowed)
			}
		}
		return nil
	})
	eventually(t, "the second player is notified once", func() error {
		return times(second, promotion, 1)
	})
	staff.refused(404, "NOT_FOUND", "POST", "/api/v1/promotions/"+someID+"/assign", object{"player_ids": []string{first.id}})
	first.refused(403, "FORBIDDEN", "POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": []string{first.id}})
}

// times returns an error unless c has n notifications of a promotion.
func times(c client, promotion string, n int) error {
	c.t.Helper()
	found := 0
	for _, notification := range c.call(200, "GET", "/api/v1/notifications?page_size=100", nil).list("notifications") {
		if text(notification, "content.id") == promotion {
			found++
		}
	}
	if found != n {
		return fmt.Errorf("%d notifications, want %d", found, n)
	}
	return nil
}

// newAssignment returns a new player with a new assigned promotion.
func newAssignment(t *testing.T, p platform, amount string) (client, string) {
	t.Helper()
	staff := newStaff(t, p.admin(t))
	c := newPlayer(t, p.url)
	promotion := newPromotion(staff, "BONUS", amount).text("id")
	assign(staff, promotion, c)
	return c, promotion
}

func claimedTwice(t *testing.T, p platform) {
	c, promotion := newAssignment(t, p, "7.25")
	body := object{"promotion_id": promotion}
	first := c.call(200, "POST", "/api/v1/promotions/claim", body)
	second := c.refused(409, "PROMOTION_ALREADY_CLAIMED", "POST", "/api/v1/promotions/claim", body)
	if second.text("transactionId") != first.text("transaction.id") {
		t.Errorf("first claim: %v, second claim: %v, want the same transaction", first, second)
	}
	other := newPlayer(t, p.url)
	other.refused(404, "NOT_FOUND", "POST", "/api/v1/promotions/claim", body)
	paidOnce(t, c, "7.25")
}

func idempotencyKey(t *testing.T, p platform) {
	c, promotion := newAssignment(t, p, "2.00")
	body := object{"promotion_id": promotion}
	first := c.call(200, "POST", "/api/v1/promotions/claim", body, "Idempotency-Key", "k-1")
	again := c.call(200, "POST", "/api/v1/promotions/claim", body, "Idempotency-Key", "k-1")
	if !reflect.DeepEqual(again.body, first.body) {
		t.Errorf("first claim: %v, repeated claim: %v, want the same response", first, again)
	}
	c.refused(409, "PROMOTION_ALREADY_CLAIMED", "POST", "/api/v1/promotions/claim", body, "Idempotency-Key", "k-2")
	staff := newStaff(t, p.admin(t))
	other := newPromotion(staff, "BONUS", "3.00").text("id")
	assign(staff, other, c)
	c.refused(409, "IDEMPOTENCY_MISMATCH", "POST", "/api/v1/promotions/claim", object{"promotion_id": other}, "Idempotency-Key", "k-1")
	paidOnce(t, c, "2.00")
}

// paidOnce checks that c has one transaction, and that its amount and the balance are amount.
func paidOnce(t *testing.T, c client, amount string) {
	t.Helper()
	ledger := c.call(200, "GET", "/api/v1/users/me/transactions", nil)
	if entries := ledger.list("transactions"); len(entries) != 1 || text(entries[0], "amount") != amount {
		t.Errorf("the transactions are %v, want one of %s", ledger, amount)
	}
	if got := c.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != amount {
		t.Errorf("the balance is %s, want %s", got, amount)
	}
}

func concurrentClaims(t *testing.T, p platform) {
	c, promotion := newAssignment(t, p, "11.00")
	const claims = 50
	answers := make([]answer, claims)
	var wg sync.WaitGroup
	for i := range claims {
		wg.Go(func() {
			a, err := c.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
			if err != nil {
				t.Errorf("claim %d: %v", i, err)
			}
			answers[i] = a
		})
	}
	wg.Wait()
	paid, transactions := 0, map[string]bool{}
	for _, a := range answers {
		switch {
		case a.status == 200:
			paid++
			transactions[a.text("transaction.id")] = true
		case a.status == 409 && a.text("code") == "PROMOTION_ALREADY_CLAIMED":
			transactions[a.text("transactionId")] = true
		default:
			t.Errorf("a concurrent claim: got %v, want status 200 or PROMOTION_ALREADY_CLAIMED", a)
		}
	}
	if paid != 1 || len(transactions) != 1 {
		t.Errorf("%d claims succeeded with transactions %v, want one claim and one transaction", paid, transactions)
	}
	paidOnce(t, c, "11.00")
}

func deactivated(t *testing.T, p platform) {
	admin := p.admin(t)
	c := newPlayer(t, p.url)
	live := connect(c, "")
	admin.call(200, "POST", "/api/v1/users/"+c.id+"/deactivate", nil)
	for _, path := range []string{"/api/v1/users/me", "/api/v1/notifications", "/api/v1/promotions/players/" + c.id} {
		c.refused(401, "TOKEN_REVOKED", "GET", path, nil)
	}
	if code := live.closed(); code != 4401 {
		t.Errorf("the WebSocket was closed with %d, want 4401", code)
	}
	anonymous := client{t: t, url: p.url}
	anonymous.refused(403, "ACCOUNT_DEACTIVATED", "POST", "/api/v1/auth/login", object{"email": c.email, "password": password})
	anonymous.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": c.email, "password": "wrong password"})
	admin.call(200, "POST", "/api/v1/users/"+c.id+"/activate", nil)
	c.login(password).call(200, "GET", "/api/v1/users/me", nil)
}

func readEverywhere(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	staff := newStaff(t, p.admin(t))
	promotion := newPromotion(staff, "BONUS", "1.00").text("id")
	one, other := connect(c, ""), connect(c, "")
	assign(staff, promotion, c)
	for _, s := range []socket{one, other} {
		for received := ""; received != promotion; {
			received = text(s.frame(), "notification.content.id")
		}
	}
	c.call(200, "POST", "/api/v1/notifications/read", object{"all": true})
	for _, s := range []socket{one, other} {
		frame := s.frame()
		read, _ := frame["read"].(object)
		if read == nil || read["all"] != true || read["unread"] != 0.0 || fmt.Sprint(read["ids"]) != "[]" {
			t.Errorf("got frame %v, want a read frame with all", frame)
		}
	}
}

func resumed(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	staff := newStaff(t, p.admin(t))
	var ids []string
	for range 4 {
		ids = append(ids, newPromotion(staff, "BONUS", "1.00").text("id"))
	}
	assign(staff, ids[0], c)
	var last string
	eventually(t, "the first notification is stored", func() error {
		for _, n := range c.call(200, "GET", "/api/v1/notifications", nil).list("notifications") {
			if text(n, "content.id") == ids[0] {
				last = text(n, "id")
				return nil
			}
		}
		return errors.New("not stored yet")
	})
	assign(staff, ids[1], c)
	assign(staff, ids[2], c)
	s := connect(c, last)
	assign(staff, ids[3], c)
	for _, want := range ids[1:] {
		if frame := s.frame(); text(frame, "notification.content.id") != want {
			t.Fatalf("got frame %v, want promotion %s", frame, want)
		}
	}
	unknown := connect(c, someID)
	if frame := unknown.frame(); text(frame, "reset.reason") == "" {
		t.Errorf("resume after an unknown notification: got %v, want a reset", frame)
	}
}

func notClaimable(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	c := newPlayer(t, p.url)
	for code, change := range map[string]object{
		"PROMOTION_NOT_ACTIVE":  {"isActive": false},
		"PROMOTION_EXPIRED":     {"startDate": "2020-01-01", "endDate": "2020-01-31"},
		"PROMOTION_NOT_STARTED": {"startDate": "2999-01-01", "endDate": "2999-01-31"},
	} {
		promotion := newPromotion(staff, "BONUS", "4.00").text("id")
		assign(staff, promotion, c)
		staff.call(200, "PATCH", "/api/v1/promotions/"+promotion, change)
		c.refused(409, code, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
		staff.refused(409, code, "POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": []string{c.id}})
	}
	if got := c.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != "0.00" {
		t.Errorf("the balance is %s, want 0.00", got)
	}
}

func uniquePerPeriod(t *testing.T, p platform) {
	welcome(t, p)
	staff := newStaff(t, p.admin(t))
	today := object{
		"title": "Another", "type": "WELCOME_BONUS", "amount": "1",
		"startDate": "2020-01-01", "endDate": "2999-01-01",
	}
	staff.refused(409, "PROMOTION_EXISTS", "POST", "/api/v1/promotions", today)
	today["isActive"] = false
	id := staff.call(201, "POST", "/api/v1/promotions", today).text("id")
	staff.refused(409, "PROMOTION_EXISTS", "PATCH", "/api/v1/promotions/"+id, object{"isActive": true})
}
