package rpcserver

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// interceptors returns the interceptors of every call, the outermost first. The dispatcher adds the request id and the
// log line, because requests that are refused before they reach a procedure need them too.
func (s *Server) interceptors() []connect.Interceptor {
	var all []connect.Interceptor
	for _, step := range []connect.UnaryInterceptorFunc{
		s.answer, s.recover, s.linkNextPage, s.timeout, s.bind, s.authorize, s.validate, s.audit, s.mapErrors, s.hideStaffOnly,
		s.idempotent,
	} {
		all = append(all, step)
	}
	return all
}

// answer converts the error of a call to the client's protocol. It also stores the error in the request info, for the
// log and for REST.
func (s *Server) answer(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		info := requestInfoFrom(ctx)
		info.procedure, info.reached = req.Spec().Procedure, true
		started := time.Now()
		if _, ok := s.methods[info.procedure]; !ok {
			info.err = apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("%s was not mounted", info.procedure))
			return nil, connectError(ctx, info.err)
		}
		res, err := next(ctx, req)
		if err == nil {
			return res, nil
		}
		info.err, info.gaveUp = classify(ctx, err), gaveUp(ctx, started)
		return nil, connectError(ctx, info.err)
	}
}

// recover converts a panic into an INTERNAL error whose cause names the function and line of the panic.
func (s *Server) recover(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (_ connect.AnyResponse, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicSite(), p))
			}
		}()
		return next(ctx, req)
	}
}

// panicSite returns the function and line of the panic that is being recovered: the first frame outside the runtime. It
// does not return the whole stack, because the result is logged and logs are read outside this process.
func panicSite() string {
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

// timeout cancels the context of a call after the configured time.
func (s *Server) timeout(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		timeout := s.cfg.Timeout
		if uploadFrom(ctx) != nil {
			timeout = limits.Upload
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return next(ctx, req)
	}
}

// validate normalizes the request. If the request is invalid, validate returns an error with all violations and does not
// call next.
func (s *Server) validate(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		m, ok := req.Any().(proto.Message)
		if !ok {
			return nil, fmt.Errorf("%T is not a protobuf message", req.Any())
		}
		if err := s.check(m, requestInfoFrom(ctx)); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// check normalizes and validates a message. Over REST, violations name fields relative to the body, as the client wrote
// them.
func (s *Server) check(m proto.Message, info *requestInfo) error {
	found := slices.Concat(info.violations, s.attachment.detach(m.ProtoReflect()))
	for _, v := range found {
		switch v.Rule {
		case ruleWire, ruleRecords, strictjson.RuleSyntax, strictjson.RuleMaxItems, strictjson.RuleMaxPairs:
			return apperr.InvalidAll([]apperr.Violation{v}) // the request was not decoded completely
		}
	}
	all, err := s.validator.Check(m, found...)
	if err != nil || len(all) == 0 {
		return err
	}
	if info.route != nil && info.route.resource != nil {
		for i := range all {
			all[i].Field = strings.TrimPrefix(all[i].Field, info.route.resource.JSONName()+".")
		}
	}
	return apperr.InvalidAll(all)
}

// mapErrors converts every error of a use case to an error with a code. If the request did not come over REST, it also
// makes the violations name fields relative to the request.
func (s *Server) mapErrors(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err == nil {
			return res, nil
		}
		e := classify(ctx, err)
		if requestInfoFrom(ctx).route == nil {
			e = adaptViolations(e, s.methods[req.Spec().Procedure].resource)
		}
		return nil, e
	}
}
