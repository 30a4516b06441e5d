package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
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
		call:    func(ctx context.Context, s *site, _, _ int) ([]byte, error) { return s.claim(ctx, &s.claims, 0) },
	}.row()
}

// limitsRow compares claims of promotions with limits with claims of promotions without limits. All callers claim the same
// promotion at the same time.
func limitsRow(callers int, goal float64) Row {
	return Row{
		Name: fmt.Sprintf("claims with limits, REST, %d callers", callers), Limit: "the same without limits",
		Metrics: throughput("claims/s", goal),
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			s, _, err := env.sites(ctx)
			if err != nil {
				return nil, err
			}
			for _, first := range []int64{limitedPromotion, unlimitedPromotion} {
				if err := s.offer(ctx, s.players, first, claimPromotions); err != nil {
					return nil, err
				}
			}
			_, err = s.pools["promotions"].Exec(ctx, `UPDATE promotions SET limits_max_claims = 1000000, limits_budget = 1000000,
				limits_max_claims_per_day = 1000000 WHERE id BETWEEN $1 AND $2`,
				promotionID(limitedPromotion), promotionID(limitedPromotion+claimPromotions-1))
			claims := func(first int64) Measure {
				var made atomic.Int64
				return one(func(ctx context.Context, d time.Duration) (float64, error) {
					return load(ctx, callers, d, func(ctx context.Context, _, _ int) error {
						_, err := s.claim(ctx, &made, first)
						return err
					})
				})
			}
			return &Pair{Ours: claims(limitedPromotion), Limit: claims(unlimitedPromotion)}, err
		},
	}
}

// The ids of the promotions of limitsRow end with the numbers from these.
const (
	limitedPromotion   = listedPromotion + listedPromotions
	unlimitedPromotion = limitedPromotion + claimPromotions
)

// claim makes the next claim of the promotions from first. All players claim the first promotion, then all claim the second
// one, and so on. The claims that were made are counted in made. It returns an error when no promotion is left.
func (s *site) claim(ctx context.Context, made *atomic.Int64, first int64) ([]byte, error) {
	n := made.Add(1) - 1
	player, promotion := n%claimPlayers, n/claimPlayers
	if promotion >= claimPromotions {
		return nil, errors.New("all promotions are claimed: use fewer or shorter rounds")
	}
	return s.request(ctx, http.StatusOK, http.MethodPost, "/api/v1/promotions/claim", s.players[player].token,
		map[string]any{"promotion_id": promotionID(first + promotion)})
}

// promotionID returns the id of the n-th promotion of offer.
func promotionID(n int64) string { return fmt.Sprintf("%s%012d", playerPrefix, n) }
