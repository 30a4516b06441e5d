package tour

import (
	"context"
	"net/http"
)

// restriction shows that a restricted player gets no promotions, until the restriction is lifted.
func (g *guide) restriction(ctx context.Context) error {
	restrictions := "/api/v1/users/" + g.ben.id + "/restrictions"
	g.step("Stella restricts Ben")
	body := map[string]any{"reason": "He has several accounts"}
	if _, err := g.call(ctx, g.staff, "PUT", restrictions+"/BONUS_ABUSE", body, nil, http.StatusOK); err != nil {
		return err
	}
	g.step("Ben can no longer claim his bonus, and is not told why")
	var refusal problem
	body = map[string]any{"promotion_id": g.gift.ID}
	if _, err := g.call(ctx, g.ben, "POST", "/api/v1/promotions/claim", body, &refusal, http.StatusForbidden); err != nil {
		return err
	}
	if err := expect(refusal.Code == "PLAYER_RESTRICTED", "PLAYER_RESTRICTED"); err != nil {
		return err
	}
	g.step("His list of promotions is empty")
	if err := g.awaitPromotions(ctx, g.ben, false); err != nil {
		return err
	}
	g.step("Stella cannot assign promotions to Ben")
	var answer struct {
		Results []struct {
			Outcome string `json:"outcome"`
		} `json:"results"`
	}
	path := "/api/v1/promotions/" + g.gift.ID + "/assign"
	body = map[string]any{"player_ids": []string{g.ben.id}}
	if _, err := g.call(ctx, g.staff, "POST", path, body, &answer, http.StatusOK); err != nil {
		return err
	}
	refused := len(answer.Results) == 1 && answer.Results[0].Outcome == "RESTRICTED_PLAYER"
	if err := expect(refused, "the outcome RESTRICTED_PLAYER"); err != nil {
		return err
	}
	g.step("Stella lists what was refused to Ben")
	var list struct {
		Total int `json:"total"`
	}
	if _, err := g.call(ctx, g.staff, "GET", restrictions+"/refusals", nil, &list, http.StatusOK); err != nil {
		return err
	}
	if err := expect(list.Total == 2, "the claim and the assignment"); err != nil {
		return err
	}
	g.step("Stella lifts the restriction, and Ben sees his promotions again")
	if _, err := g.call(ctx, g.staff, "DELETE", restrictions+"/BONUS_ABUSE", nil, nil, http.StatusNoContent); err != nil {
		return err
	}
	return g.awaitPromotions(ctx, g.ben, true)
}

// awaitPromotions waits until a player has promotions, or has none.
func (g *guide) awaitPromotions(ctx context.Context, player *person, want bool) error {
	return g.retry(ctx, func() (bool, error) {
		var list struct {
			Assignments []assignment `json:"assignments"`
		}
		_, err := g.call(ctx, player, "GET", "/api/v1/promotions/players/"+player.id, nil, &list, http.StatusOK)
		return len(list.Assignments) > 0 == want, err
	})
}
