package tour

import (
	"context"
	"net/http"
)

// claiming plays scenario 3: a player claims a promotion and is credited exactly once.
func (g *guide) claiming(ctx context.Context) error {
	g.step("Anna lists her promotions")
	var list struct {
		Assignments []assignment `json:"assignments"`
	}
	path := "/api/v1/promotions/players/" + g.anna.id
	if _, err := g.call(ctx, g.anna, "GET", path, nil, &list, http.StatusOK); err != nil {
		return err
	}
	open := map[string]bool{}
	for _, a := range list.Assignments {
		open[a.PromotionID] = !a.Claimed
	}
	if err := expect(open[g.welcome.ID] && open[g.gift.ID], "the welcome bonus and the bonus, unclaimed"); err != nil {
		return err
	}
	transaction, err := g.claim(ctx)
	if err != nil {
		return err
	}
	if err := g.checkBalance(ctx, transaction); err != nil {
		return err
	}

	g.step("Anna claims it again and is refused")
	var refusal problem
	body := map[string]any{"promotion_id": g.welcome.ID}
	if _, err := g.call(ctx, g.anna, "POST", "/api/v1/promotions/claim", body, &refusal, http.StatusConflict); err != nil {
		return err
	}
	err = expect(refusal.Code == "PROMOTION_ALREADY_CLAIMED" && refusal.TransactionID == transaction,
		"PROMOTION_ALREADY_CLAIMED with transaction %s", transaction)
	if err != nil {
		return err
	}
	return g.statistics(ctx)
}

// statistics shows that the claim counts in the statistics of the promotion.
func (g *guide) statistics(ctx context.Context) error {
	g.step("Stella reads the statistics of the welcome bonus")
	var stats struct {
		Totals struct {
			Assigned int    `json:"assigned"`
			Claimed  int    `json:"claimed"`
			Cost     string `json:"cost"`
		} `json:"totals"`
		Conversion float64 `json:"conversion"`
	}
	path := "/api/v1/promotions/" + g.welcome.ID + "/stats"
	if _, err := g.call(ctx, g.staff, "GET", path, nil, &stats, http.StatusOK); err != nil {
		return err
	}
	t := stats.Totals
	return expect(t.Claimed > 0 && t.Assigned >= t.Claimed && t.Cost != "0.00" && stats.Conversion > 0,
		"an assignment, a claim and its cost")
}

// claim claims the welcome bonus and returns the id of the transaction.
func (g *guide) claim(ctx context.Context) (string, error) {
	g.step("Anna claims the welcome bonus")
	var answer struct {
		Assignment  assignment `json:"assignment"`
		Transaction struct {
			ID     string `json:"id"`
			Type   string `json:"type"`
			Amount string `json:"amount"`
		} `json:"transaction"`
	}
	body := map[string]any{"promotion_id": g.welcome.ID}
	if _, err := g.call(ctx, g.anna, "POST", "/api/v1/promotions/claim", body, &answer, http.StatusOK); err != nil {
		return "", err
	}
	return answer.Transaction.ID, expect(
		answer.Assignment.Claimed && answer.Transaction.Type == "CREDIT" && answer.Transaction.Amount == g.welcome.Amount,
		"a claimed assignment and a credit of %s", g.welcome.Amount)
}

// checkBalance checks that the claim is the only credit on the account.
func (g *guide) checkBalance(ctx context.Context, transaction string) error {
	g.step("Anna checks her balance")
	var me user
	if _, err := g.call(ctx, g.anna, "GET", "/api/v1/users/me", nil, &me, http.StatusOK); err != nil {
		return err
	}
	if err := expect(me.Balance == g.welcome.Amount, "a balance of %s", g.welcome.Amount); err != nil {
		return err
	}
	g.step("Anna lists her transactions")
	var ledger struct {
		Transactions []struct {
			ID string `json:"id"`
		} `json:"transactions"`
	}
	if _, err := g.call(ctx, g.anna, "GET", "/api/v1/users/me/transactions", nil, &ledger, http.StatusOK); err != nil {
		return err
	}
	return expect(len(ledger.Transactions) == 1 && ledger.Transactions[0].ID == transaction,
		"transaction %s only", transaction)
}

// logout shows that a logout immediately closes the sockets and revokes the access token.
func (g *guide) logout(ctx context.Context) error {
	g.step("Anna logs out; the platform closes her sockets")
	body := map[string]any{"refreshToken": g.anna.refresh}
	_, err := g.call(ctx, &person{name: g.anna.name}, "POST", "/api/v1/auth/logout", body, nil, http.StatusNoContent)
	if err != nil {
		return err
	}
	for _, s := range g.sockets {
		if err := s.awaitClose(ctx, 4401); err != nil {
			return err
		}
	}
	g.step("Her access token is refused")
	var refusal problem
	_, err = g.call(ctx, g.anna, "GET", "/api/v1/users/me", nil, &refusal, http.StatusUnauthorized)
	if err != nil {
		return err
	}
	return expect(refusal.Code == "TOKEN_REVOKED", "TOKEN_REVOKED")
}
