package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const redeemPath = "/api/v1/promotions/redeem"

// coded returns the path of a new promotion with a code, and the code.
func coded(staff client) (path, code string) {
	staff.t.Helper()
	path = "/api/v1/promotions/" + newPromotion(staff, "BONUS", "20").text("id")
	code = "SPRING-" + strconv.FormatInt(serial.Add(1), 10)
	if got := staff.call(200, "PATCH", path, object{"code": strings.ToLower(code)}).text("code"); got != code {
		staff.t.Errorf("got the code %q, want %q", got, code)
	}
	return path, code
}

// redeemed redeems codes of promotions in all states.
func redeemed(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	player, other := newPlayer(t, p.url), newPlayer(t, p.url)
	path, code := coded(staff)
	id := strings.TrimPrefix(path, "/api/v1/promotions/")
	body, lower := object{"code": code}, object{"code": strings.ToLower(code)}
	first := player.call(201, "POST", redeemPath, lower, "Idempotency-Key", "redeem")
	if first.text("promotion_id") != id || first.text("user_id") != player.id || first.text("state") != "ASSIGNED" ||
		first.text("source") != "CODE" || first.text("assignedBy") != "" {
		t.Errorf("got %v, want an assignment of %s", first, id)
	}
	if again := player.call(200, "POST", redeemPath, body, "Idempotency-Key", "redeem again"); again.text("id") != first.text("id") {
		t.Errorf("got %v, want the assignment %s", again, first.text("id"))
	}
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
	if claimed := player.call(200, "POST", redeemPath, body); claimed.body["claimed"] != true {
		t.Errorf("got %v, want the claimed assignment", claimed)
	}
	// The stored answers are those from before the claim, with their statuses.
	if again := player.call(201, "POST", redeemPath, lower, "Idempotency-Key", "redeem"); again.raw != first.raw {
		t.Errorf("got %v, want the first answer %v", again, first)
	}
	if again := player.call(200, "POST", redeemPath, body, "Idempotency-Key", "redeem again"); again.raw != first.raw {
		t.Errorf("got %v, want the first answer %v", again, first)
	}
	eventually(t, "the player is notified once, without the code", func() error {
		for _, n := range player.call(200, "GET", "/api/v1/notifications", nil).list("notifications") {
			if _, ok := n["content"].(object)["code"]; ok {
				return fmt.Errorf("the notification contains the code: %v", n)
			}
		}
		return times(player, id, 1)
	})
	offer := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil).list("assignments")[0]["promotion"].(object)
	if _, ok := offer["code"]; ok {
		t.Errorf("a player sees the code: %v", offer)
	}

	unknown := other.refused(404, "NOT_FOUND", "POST", redeemPath, object{"code": "UNKNOWN"})
	alike := func(when string) {
		t.Helper()
		got := other.refused(404, "NOT_FOUND", "POST", redeemPath, body)
		if got.text("detail") != unknown.text("detail") {
			t.Errorf("%s: the detail is %q, want %q", when, got.text("detail"), unknown.text("detail"))
		}
	}
	staff.call(200, "PATCH", path, object{"limits": object{"maxClaims": 1}})
	alike("used up")
	player.call(200, "POST", redeemPath, body)
	staff.call(200, "PATCH", path, object{"limits": object{"maxClaims": 0}})
	staff.call(200, "POST", path+"/pause", nil)
	alike("paused")
	staff.call(200, "POST", path+"/resume", nil)
	other.call(201, "POST", redeemPath, body)
	staff.call(200, "POST", path+"/revoke", object{"player_ids": []string{other.id}})
	other.refused(409, "ASSIGNMENT_REVOKED", "POST", redeemPath, body)

	draft := object{
		"title": "Draft", "type": "BONUS", "amount": "1", "startDate": "2026-01-01", "endDate": "2099-12-31", "draft": true, "code": code,
	}
	staff.refused(409, "PROMOTION_CODE_EXISTS", "POST", "/api/v1/promotions", draft)
	staff.call(200, "POST", path+"/archive", nil)
	alike("archived")
	reused := staff.call(201, "POST", "/api/v1/promotions", draft)
	alike("draft")
	staff.call(200, "PATCH", "/api/v1/promotions/"+reused.text("id"), object{"code": ""})
	if got, ok := staff.call(200, "GET", "/api/v1/promotions/"+reused.text("id"), nil).body["code"]; got != "" || !ok {
		t.Errorf("got the code %v, want an empty one", got)
	}
}

// guessed gives ten wrong codes.
func guessed(t *testing.T, p platform) {
	staff, player := newStaff(t, p.admin(t)), newPlayer(t, p.url)
	_, code := coded(staff)
	body := object{"code": code}
	player.call(201, "POST", redeemPath, body)
	for range 5 {
		player.call(200, "POST", redeemPath, body)
		player.refused(404, "NOT_FOUND", "POST", redeemPath, object{"code": "WRONG"})
		player.refused(400, "VALIDATION_FAILED", "POST", redeemPath, object{"code": "not a code"})
	}
	limited := player.refused(429, "RATE_LIMITED", "POST", redeemPath, body)
	if seconds, err := strconv.Atoi(limited.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 600 {
		t.Errorf("Retry-After is %q, want 1 to 600 seconds", limited.header.Get("Retry-After"))
	}
	newPlayer(t, p.url).call(201, "POST", redeemPath, body)
}
