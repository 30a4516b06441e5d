package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const (
	claimPlayers    = 256
	claimPromotions = 1000 // per player
)

// claimsRow measures complete claims, from the request at the gateway to the response. A claim involves the session, two
// services, the RPC between them, two databases and the outbox.
func claimsRow(callers int, goal float64) Row {
	return requests{
		name: fmt.Sprintf("claims, REST, %d callers", callers), unit: "claims/s", callers: callers, goal: goal,
		prepare: func(ctx context.Context, s *site) error { return s.offer(ctx, s.players, 0, claimPromotions) },
		call:    func(ctx context.Context, s *site, _, _ int) ([]byte, error) { return s.claim(ctx) },
	}.row()
}

// claim makes the next claim. All players claim their first promotion, then all claim their second one, and so on. It
// returns an error when no promotion is left.
func (s *site) claim(ctx context.Context) ([]byte, error) {
	n := s.claims.Add(1) - 1
	player, promotion := n%claimPlayers, n/claimPlayers
	if promotion >= claimPromotions {
		return nil, errors.New("all promotions are claimed: use fewer or shorter rounds")
	}
	return s.request(ctx, http.StatusOK, http.MethodPost, "/api/v1/promotions/claim", s.players[player].token,
		map[string]any{"promotion_id": promotionID(promotion)})
}

// promotionID returns the id of the n-th promotion of offer.
func promotionID(n int64) string { return fmt.Sprintf("%s%012d", playerPrefix, n) }
