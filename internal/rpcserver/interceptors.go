package rpcserver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// interceptors are the steps of every call, the first one outermost. The request id and the log line belong to the HTTP
// request around them, so that requests which never become a call have them too.
func (s *Server) interceptors() []connect.Interceptor {
	var all []connect.Interceptor
	for _, step := range []connect.UnaryInterceptorFunc{
		s.answer, s.recover, s.bound, s.authenticate, s.authorise, s.validate, s.classify,
	} {
		all = append(all, step)
	}
	return all
}

// answer turns the error of a call into the one that travels, and remembers it for the log and for REST.
func (s *Server) answer(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		x := requestInfoFrom(ctx)
		x.procedure = req.Spec().Procedure
		if _, ok := s.methods[x.procedure]; !ok {
			x.err = apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("%s was never mounted", x.procedure))
			return nil, connectError(ctx, x.err)
		}
		res, err := next(ctx, req)
		if err == nil {
			return res, nil
		}
		x.err = classify(ctx, err)
		return nil, connectError(ctx, x.err)
	}
}

// recover turns a panic into an Internal that says where it happened.
func (s *Server) recover(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (_ connect.AnyResponse, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicked(), p))
			}
		}()
		return next(ctx, req)
	}
}

// panicked returns the place of the panic that is being recovered: the first frame outside of the runtime, as a whole
// stack has no place in a log that leaves the process.
func panicked() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// bound ends the context of a call that takes too long.
func (s *Server) bound(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
		return next(ctx, req)
	}
}

// validate brings the request into its normal form and refuses it with all that is wrong.
func (s *Server) validate(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		m, ok := req.Any().(proto.Message)
		if !ok {
			return nil, fmt.Errorf("%T is no protobuf message", req.Any())
		}
		if err := s.check(m, requestInfoFrom(ctx)); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// check is validate for one message. Over REST fields are named relative to the body's resource, as the client wrote
// them.
func (s *Server) check(m proto.Message, x *requestInfo) error {
	found := append(slices.Clone(x.found), notes(m.ProtoReflect())...)
	prefix := ""
	if x.rest != nil && x.rest.resource != nil {
		prefix = x.rest.resource.JSONName() + "."
		for _, v := range notes(m.ProtoReflect().Mutable(x.rest.resource).Message()) {
			if v.Field != "" {
				v.Field = prefix + v.Field
			}
			found = append(found, v)
		}
	}
	for _, v := range found {
		switch v.Rule {
		case ruleTooLarge:
			return tooLarge(s.cfg.MaxBody)
		case ruleWire, strictjson.RuleSyntax:
			return apperr.InvalidAll([]apperr.Violation{v}) // nothing else could be read
		}
	}
	if x.rest != nil && x.rest.mask != nil {
		mask := (&fieldmaskpb.FieldMask{Paths: x.mask}).ProtoReflect()
		m.ProtoReflect().Set(x.rest.mask, protoreflect.ValueOfMessage(mask))
	}
	all, err := s.validator.Check(m, found...)
	if err != nil || len(all) == 0 {
		return err
	}
	for i := range all {
		all[i].Field = strings.TrimPrefix(all[i].Field, prefix)
	}
	return apperr.InvalidAll(all)
}

// classify gives every error of a use case a code.
func (s *Server) classify(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil {
			return nil, classify(ctx, err)
		}
		return res, nil
	}
}

// logCall writes the one line of a request. It names no body, query, header or token.
func (s *Server) logCall(ctx context.Context, x *requestInfo, method string, attrs ...slog.Attr) {
	all := append([]slog.Attr{slog.String("method", method), slog.String("request_id", x.requestID)}, attrs...)
	if x.caller != "" {
		all = append(all, slog.String("caller", x.caller))
	}
	code := "OK"
	if x.err != nil {
		code = string(x.err.Code)
		if x.err.Code == apperr.Internal || x.err.Code == apperr.DependencyUnavailable {
			all = append(all, slog.String("error", x.err.Error()))
		}
	}
	all = append(all, slog.String("code", code))
	s.cfg.Log.LogAttrs(ctx, level(ctx, x.err), "request", all...)
}
