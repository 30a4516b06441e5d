package e2e_test

import (
	"errors"
	"strings"
	"testing"
)

// explained asks why a player cannot claim a promotion, as an employee and as the player.
func explained(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	player, other := newPlayer(t, p.url), newPlayer(t, p.url)
	path := "/api/v1/promotions/" + newPromotion(staff, "BONUS", "20").text("id")
	id := strings.TrimPrefix(path, "/api/v1/promotions/")
	eligibility := path + "/eligibility/" + player.id
	check := func(c client, want ...string) map[string]object {
		t.Helper()
		a := c.call(200, "GET", eligibility, nil)
		checks, failed := map[string]object{}, []string{}
		for _, check := range a.list("checks") {
			checks[text(check, "check")] = check
			if check["passed"] != true {
				failed = append(failed, text(check, "check"))
			}
			if text(check, "message") == "" {
				t.Errorf("a check has no message: %v", check)
			}
		}
		if strings.Join(failed, " ") != strings.Join(want, " ") || a.body["eligible"] != (len(want) == 0) || len(checks) != 9 {
			t.Errorf("got %v, want the failed checks %v", a, want)
		}
		return checks
	}
	claim := func(status int, code string) {
		t.Helper()
		a := player.call(status, "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
		if status != 200 && a.text("code") != code {
			t.Errorf("got %v, want %s", a, code)
		}
	}
	check(staff, "NOT_ASSIGNED")
	player.refused(404, "NOT_FOUND", "GET", eligibility, nil)
	other.refused(403, "FORBIDDEN", "GET", eligibility, nil)
	staff.refused(404, "NOT_FOUND", "GET", "/api/v1/promotions/"+someID+"/eligibility/"+player.id, nil)
	staff.refused(404, "NOT_FOUND", "GET", path+"/eligibility/"+someID, nil)
	assign(staff, id, player, other)
	check(player)
	check(staff)

	staff.call(200, "PATCH", path, object{"limits": object{"maxClaims": 1}, "isActive": false})
	check(player, "PROMOTION_NOT_ACTIVE")
	claim(409, "PROMOTION_NOT_ACTIVE")
	staff.call(200, "PATCH", path, object{"isActive": true})
	other.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
	values := check(player, "PROMOTION_EXHAUSTED")["PROMOTION_EXHAUSTED"]["values"].(object)
	if len(values) != 1 || values["limit"] != "maxClaims" {
		t.Errorf("the player sees the values %v, want only the name of the limit", values)
	}
	values = check(staff, "PROMOTION_EXHAUSTED")["PROMOTION_EXHAUSTED"]["values"].(object)
	if values["limit"] != "maxClaims" || values["maxClaims"] != 1.0 || values["claims"] != 1.0 {
		t.Errorf("the employee sees the values %v, want the limit and the claims", values)
	}
	claim(409, "PROMOTION_EXHAUSTED")
	staff.call(200, "PATCH", path, object{"limits": object{"maxClaims": 0}})

	staff.call(200, "PUT", "/api/v1/users/"+player.id+"/restrictions/BONUS_ABUSE", object{"reason": "several accounts"})
	eventually(t, "the restriction has arrived", func() error {
		return expectChecks(staff.call(200, "GET", eligibility, nil), false)
	})
	restrictions := func(c client) []any {
		return check(c, "PLAYER_RESTRICTED")["PLAYER_RESTRICTED"]["values"].(object)["restrictions"].([]any)
	}
	if got := restrictions(player); len(got) != 0 {
		t.Errorf("the player sees the restrictions %v of an employee", got)
	}
	if got := restrictions(staff); len(got) != 1 || text(got[0].(object), "kind") != "BONUS_ABUSE" {
		t.Errorf("the employee sees the restrictions %v, want BONUS_ABUSE", got)
	}
	claim(403, "PLAYER_RESTRICTED")
	staff.call(204, "DELETE", "/api/v1/users/"+player.id+"/restrictions/BONUS_ABUSE", nil)
	eventually(t, "the end of the restriction has arrived", func() error {
		return expectChecks(staff.call(200, "GET", eligibility, nil), true)
	})
	staff.call(200, "POST", path+"/revoke", object{"player_ids": []string{player.id}})
	check(player, "ASSIGNMENT_REVOKED")
	claim(409, "ASSIGNMENT_REVOKED")
	staff.call(200, "POST", path+"/assign", object{"player_ids": []string{player.id}, "reassign": true})
	claim(200, "")
	check(player, "PROMOTION_ALREADY_CLAIMED")
}

// expectChecks returns an error unless eligible has a value.
func expectChecks(a answer, eligible bool) error {
	if a.body["eligible"] != eligible {
		return errors.New(a.raw)
	}
	return nil
}
