package rpc

import (
	"context"
	"strings"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Claim pays the caller's own assignment of a promotion, once.
func (h *Handler) Claim(ctx context.Context, r *connect.Request[promotionsv1.ClaimRequest]) (*connect.Response[promotionsv1.ClaimResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	key, err := idempotencyKey(r.Header().Values("Idempotency-Key"))
	if err != nil {
		return nil, err
	}
	claimed, err := h.service.Claim(ctx, caller, promotion, key)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ClaimResponse{
		Assignment:  wire.FromAssignment(claimed.Assignment),
		Transaction: wire.FromTransaction(claimed.Transaction),
	}), nil
}

const maxKey = 200

// idempotencyKey reads the header of that name; none is an empty key.
func idempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, unprintable) {
		return "", apperr.Invalid("Idempotency-Key", "header", "must be one text of 1 to %d printable ASCII characters", maxKey)
	}
	return key, nil
}
