package rpcserver

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/staffonly"
)

// staffOnlyOf returns the fields that are cleared in the answers of a method, or nil if only employees may call it.
func staffOnlyOf(md protoreflect.MethodDescriptor, a access) *staffonly.Fields {
	if !a.open && !a.roles[authn.RolePlayer] {
		return nil
	}
	return staffonly.Of(md.Output())
}

// hideStaffOnly clears the fields with the option staff_only in answers to callers who are not employees. It runs outside of
// idempotent: stored answers are complete.
func (s *Server) hideStaffOnly(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		fields := s.methods[req.Spec().Procedure].staffOnly
		if err != nil || fields == nil {
			return res, err
		}
		if caller, ok := authn.From(ctx); ok && (caller.Role == authn.RoleStaff || caller.Role == authn.RoleAdmin) {
			return res, nil
		}
		if m, ok := res.Any().(proto.Message); ok {
			fields.Clear(m.ProtoReflect())
		}
		return res, nil
	}
}
