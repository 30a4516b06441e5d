package tour

import (
	"context"
	"net/http"
	"strings"
)

// redeeming shows that a player gets a promotion with its code. The code contains the id of the promotion, so that the tour
// can be repeated.
func (g *guide) redeeming(ctx context.Context) error {
	g.step("Stella gives the bonus a code")
	code := "TOUR-" + strings.ToUpper(g.gift.ID[len(g.gift.ID)-12:])
	if _, err := g.call(ctx, g.staff, "PATCH", "/api/v1/promotions/"+g.gift.ID,
		map[string]any{"code": code}, nil, http.StatusOK); err != nil {
		return err
	}
	g.step("Carla registers, logs in and redeems the code")
	carla := g.newPerson("Carla")
	if err := g.register(ctx, carla, "/api/v1/auth/register", nil); err != nil {
		return err
	}
	if err := g.login(ctx, carla); err != nil {
		return err
	}
	var first, again assignment
	body := map[string]any{"code": strings.ToLower(code)}
	if _, err := g.call(ctx, carla, "POST", "/api/v1/promotions/redeem", body, &first, http.StatusCreated); err != nil {
		return err
	}
	if err := expect(first.PromotionID == g.gift.ID && !first.Claimed, "the bonus, unclaimed"); err != nil {
		return err
	}
	g.step("She redeems it again; nothing changes")
	if _, err := g.call(ctx, carla, "POST", "/api/v1/promotions/redeem", body, &again, http.StatusOK); err != nil {
		return err
	}
	if err := expect(again == first, "the same assignment"); err != nil {
		return err
	}
	g.step("A wrong code is refused")
	var refusal problem
	body = map[string]any{"code": code + "-X"}
	if _, err := g.call(ctx, carla, "POST", "/api/v1/promotions/redeem", body, &refusal, http.StatusNotFound); err != nil {
		return err
	}
	return expect(refusal.Code == "NOT_FOUND", "NOT_FOUND")
}
