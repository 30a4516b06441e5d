package e2e_test

import (
	"fmt"
	"testing"
)

// restrictions restricts players who have promotions. The claims must be refused from the answer on, until the restriction is
// lifted, and the player must not learn what an employee has set.
func restrictions(t *testing.T, p platform, callers map[string]client) {
	staff := callers["S"].in(t)
	player := newPlayer(t, p.url)
	promotion := newPromotion(staff, "BONUS", "5.00").text("id")
	assign(staff, promotion, player)
	path := "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE"
	claim := func() {
		player.refused(403, "PLAYER_RESTRICTED", "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	}
	staff.call(200, "PUT", path, object{"reason": "several accounts"})
	claim()
	if own := player.call(200, "GET", "/api/v1/users/me/restrictions", nil).list("restrictions"); len(own) != 0 {
		t.Errorf("the player sees %v", own)
	}
	player.call(200, "POST", "/api/v1/users/me/restrictions", object{"kind": "SELF_EXCLUSION"})
	staff.call(204, "DELETE", path, nil)
	claim()
	player.refused(409, "RESTRICTION_LOCKED", "DELETE", "/api/v1/users/me/restrictions/SELF_EXCLUSION", nil)
	staff.call(204, "DELETE", "/api/v1/users/"+player.id+"/restrictions/SELF_EXCLUSION", nil)
	eventually(t, "the player claims the promotion", func() error {
		a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
		if err == nil && a.status != 200 {
			err = fmt.Errorf("got %v", a)
		}
		return err
	})
	if me := player.call(200, "GET", "/api/v1/users/me", nil); me.text("balance") != "5.00" {
		t.Errorf("the balance is %s, want 5.00", me.text("balance"))
	}
}
