package rpcserver_test

import (
	"context"
	"net/netip"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// useCases is a fake of the promotion and auth services. It records the last request and returns data from it, or err.
type useCases struct {
	promotionsv1connect.UnimplementedPromotionServiceHandler
	usersv1connect.UnimplementedAuthServiceHandler

	mu      sync.Mutex
	request proto.Message
	caller  authn.Caller
	client  netip.Addr
	calls   int
	err     error
	panics  bool
	hangs   bool
}

// record records a request. It returns the error with which the RPC must fail.
func (u *useCases) record(ctx context.Context, m proto.Message) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.request = proto.Clone(m)
	u.calls++
	u.caller, _ = authn.From(ctx)
	u.client = rpcserver.ClientAddr(ctx)
	if u.panics {
		panic("a use case went wrong")
	}
	if u.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return u.err
}

// count returns the number of calls.
func (u *useCases) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls
}

// last returns the request since the last call of last, or nil.
func (u *useCases) last() proto.Message {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.request
	u.request = nil
	return m
}

func (u *useCases) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
}

func (u *useCases) CreatePromotion(
	ctx context.Context, r *connect.Request[promotionsv1.CreatePromotionRequest],
) (*connect.Response[promotionsv1.Promotion], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(r.Msg.GetPromotion()), nil
}

func (u *useCases) UpdatePromotion(
	ctx context.Context, r *connect.Request[promotionsv1.UpdatePromotionRequest],
) (*connect.Response[promotionsv1.Promotion], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(r.Msg.GetPromotion()), nil
}

func (u *useCases) GetPromotion(
	ctx context.Context, r *connect.Request[promotionsv1.GetPromotionRequest],
) (*connect.Response[promotionsv1.Promotion], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.Promotion{Id: r.Msg.GetPromotionId()}), nil
}

func (u *useCases) ListPromotions(
	ctx context.Context, r *connect.Request[promotionsv1.ListPromotionsRequest],
) (*connect.Response[promotionsv1.ListPromotionsResponse], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListPromotionsResponse{}), nil
}

func (u *useCases) ListPlayerPromotions(
	ctx context.Context, r *connect.Request[promotionsv1.ListPlayerPromotionsRequest],
) (*connect.Response[promotionsv1.ListPlayerPromotionsResponse], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListPlayerPromotionsResponse{
		Assignments: []*promotionsv1.Assignment{{}, {Promotion: limited()}},
	}), nil
}

func (u *useCases) Claim(
	ctx context.Context, r *connect.Request[promotionsv1.ClaimRequest],
) (*connect.Response[promotionsv1.ClaimResponse], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ClaimResponse{Assignment: &promotionsv1.Assignment{Promotion: limited()}}), nil
}

// limited returns a promotion with the fields that only employees see.
func limited() *promotionsv1.Promotion {
	return &promotionsv1.Promotion{
		Title: "Spring", Limits: &promotionsv1.PromotionLimits{MaxClaims: 5}, Usage: &promotionsv1.PromotionUsage{Claimed: 1},
	}
}

func (u *useCases) Assign(
	ctx context.Context, r *connect.Request[promotionsv1.AssignRequest],
) (*connect.Response[promotionsv1.AssignResponse], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.AssignResponse{}), nil
}

func (u *useCases) Register(
	ctx context.Context, r *connect.Request[usersv1.RegisterRequest],
) (*connect.Response[usersv1.User], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.User{Email: r.Msg.GetEmail()}), nil
}

func (u *useCases) Logout(
	ctx context.Context, r *connect.Request[usersv1.LogoutRequest],
) (*connect.Response[usersv1.LogoutResponse], error) {
	if err := u.record(ctx, r.Msg); err != nil {
		return nil, err
	}
	res := connect.NewResponse(&usersv1.LogoutResponse{})
	res.Header().Add("Set-Cookie", "refresh_token=; Max-Age=0")
	return res, nil
}
