package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// EnrolMyTotp begins the enrolment of a second factor of the caller.
func (h *Users) EnrolMyTotp(
	ctx context.Context, _ *connect.Request[usersv1.EnrolMyTotpRequest],
) (*connect.Response[usersv1.EnrolMyTotpResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	e, err := h.service.EnrolTotp(ctx, caller)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.EnrolMyTotpResponse{Secret: e.Secret, Uri: e.URI, RecoveryCodes: e.RecoveryCodes}), nil
}

// ConfirmMyTotp activates the enrolled second factor of the caller.
func (h *Users) ConfirmMyTotp(
	ctx context.Context, r *connect.Request[usersv1.ConfirmMyTotpRequest],
) (*connect.Response[usersv1.ConfirmMyTotpResponse], error) {
	if err := withCode(ctx, r.Msg.GetCode(), h.service.ConfirmTotp); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ConfirmMyTotpResponse{}), nil
}

// VerifyMyTotp presents the second factor of the caller in the current session.
func (h *Users) VerifyMyTotp(
	ctx context.Context, r *connect.Request[usersv1.VerifyMyTotpRequest],
) (*connect.Response[usersv1.VerifyMyTotpResponse], error) {
	if err := withCode(ctx, r.Msg.GetCode(), h.service.VerifyTotp); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.VerifyMyTotpResponse{}), nil
}

// DisableMyTotp removes the second factor of the caller.
func (h *Users) DisableMyTotp(
	ctx context.Context, r *connect.Request[usersv1.DisableMyTotpRequest],
) (*connect.Response[usersv1.DisableMyTotpResponse], error) {
	if err := withCode(ctx, r.Msg.GetCode(), h.service.DisableTotp); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.DisableMyTotpResponse{}), nil
}

// ResetTotp removes the second factor of another user.
func (h *Users) ResetTotp(
	ctx context.Context, r *connect.Request[usersv1.ResetTotpRequest],
) (*connect.Response[usersv1.ResetTotpResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	if err := h.service.ResetTotp(ctx, caller, id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ResetTotpResponse{}), nil
}

// withCode calls use with the caller, the session and a code.
func withCode(ctx context.Context, code string, use func(ctx context.Context, user, session uuid.UUID, code string) error) error {
	caller, session, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return err
	}
	return use(ctx, caller, session, code)
}
