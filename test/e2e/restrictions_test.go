package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// restrictions restricts players who have promotions. The claims must be refused from the answer on, until the restriction
// is lifted, and the player must not learn what an employee has set.
func restrictions(t *testing.T, p platform, callers map[string]client) {
	staff := callers["S"].in(t)
	player := newPlayer(t, p.url)
	promotion, other := newPromotion(staff, "BONUS", "5.00").text("id"), newPromotion(staff, "BONUS", "7.00").text("id")
	assign(staff, promotion, player)
	path := "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE"
	claim := func() {
		player.refused(403, "PLAYER_RESTRICTED", "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	}
	staff.call(200, "PUT", path, object{"reason": "several accounts"})
	claim()
	// From here on, promotions has handled the event.
	eventually(t, "the promotions of the player are hidden", func() error { return listed(player, player, 0) })
	if err := listed(staff, player, 1); err != nil {
		t.Errorf("staff sees the wrong promotions of a restricted player: %v", err)
	}
	claim()
	for range 2 {
		hasOutcome(staff, other, player, "RESTRICTED_PLAYER")
		hasOutcome(staff, promotion, player, "RESTRICTED_PLAYER")
	}
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
	hasOutcome(staff, other, player, "ASSIGNED")
	eventually(t, "the player is notified", func() error { return times(player, other, 1) })
	refused(staff, player, map[string]string{promotion: "CLAIM CLAIM CLAIM ASSIGN ASSIGN", other: "ASSIGN ASSIGN"})
}

// listed returns an error unless a caller sees n promotions of a player.
func listed(caller, player client, n int) error {
	caller.t.Helper()
	a := caller.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil)
	if got := len(a.list("assignments")); got != n || a.body["total"] != float64(n) {
		return fmt.Errorf("got %v, want %d promotions", a, n)
	}
	return nil
}

// hasOutcome assigns a promotion to a player once and checks the outcome.
func hasOutcome(staff client, promotion string, player client, want string) {
	staff.t.Helper()
	if err := outcome(staff, promotion, player, want); err != nil {
		staff.t.Error(err)
	}
}

// refused checks that the list of a player's refusals has at least the given actions for each promotion. Claims can be
// repeated until a restriction is lifted, so there may be more of them.
func refused(staff, player client, want map[string]string) {
	staff.t.Helper()
	path, token, seen := "/api/v1/users/"+player.id+"/restrictions/refusals?page_size=3", "", 0
	got, total := map[string][]string{}, 0
	for page := 0; page == 0 || token != ""; page++ {
		a := staff.call(200, "GET", path+"&page_token="+token, nil)
		for _, r := range a.list("refusals") {
			got[text(r, "promotion_id")] = append(got[text(r, "promotion_id")], text(r, "action"))
			seen++
		}
		total, token = int(a.body["total"].(float64)), a.text("nextPageToken")
	}
	if total != seen {
		staff.t.Errorf("the total is %d, but there are %d refusals", total, seen)
	}
	for promotion, actions := range want {
		missing := got[promotion]
		for action := range strings.FieldsSeq(actions) {
			i := slices.Index(missing, action)
			if i < 0 {
				staff.t.Errorf("promotion %s: got the refusals %v, want %s", promotion, got[promotion], actions)
				break
			}
			missing = slices.Delete(slices.Clone(missing), i, i+1)
		}
	}
	player.in(staff.t).refused(403, "FORBIDDEN", "GET", path, nil)
}
