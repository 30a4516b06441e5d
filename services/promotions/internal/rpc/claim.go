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

// Claim pays the caller's assignment of a promotion.
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

// maxIdempotencyKey is the maximum length of an Idempotency-Key, in bytes.
const maxIdempotencyKey = 200

// idempotencyKey returns the key in the given values of the Idempotency-Key header. It returns an empty key if the header is
// missing, and VALIDATION_FAILED for an invalid header.
func idempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, unprintable) {
		return "", apperr.Invalid("Idempotency-Key", "header", "must be a single value of 1 to %d printable ASCII characters",
			maxIdempotencyKey)
	}
	return key, nil
}
