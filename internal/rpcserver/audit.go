package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/logs"
)

// audited is the audit option of a method.
type audited struct {
	action string
	// target is the request field with the id of the target, or nil.
	target protoreflect.FieldDescriptor
}

// auditOf reads the audit option of a method. It returns nil if the calls of the method are not audited. It returns an error
// if the option is invalid, or if it is missing although employees may change something with the method.
func auditOf(md protoreflect.MethodDescriptor, a access, routes []*route) (*audited, error) {
	option, _ := proto.GetExtension(md.Options(), optionsv1.E_Audit).(*optionsv1.Audit)
	if option == nil {
		reads := func(r *route) bool { return r.Verb == http.MethodGet }
		if (a.roles[authn.RoleStaff] || a.roles[authn.RoleAdmin]) && (len(routes) == 0 || !slices.ContainsFunc(routes, reads)) {
			return nil, fmt.Errorf("%s may change something and can be called by employees, but has no audit option", md.FullName())
		}
		return nil, nil //nolint:nilnil // not audited
	}
	if option.GetAction() == optionsv1.AuditAction_AUDIT_ACTION_UNSPECIFIED {
		return nil, fmt.Errorf("the audit option of %s has no action", md.FullName())
	}
	found := &audited{action: option.GetAction().String()}
	if name := option.GetTarget(); name != "" {
		found.target = md.Input().Fields().ByName(protoreflect.Name(name))
		if found.target == nil || found.target.Kind() != protoreflect.StringKind || found.target.IsList() {
			return nil, fmt.Errorf("the audit option of %s: target must name a string field", md.FullName())
		}
	}
	return found, nil
}

// audit puts the act of an audited method into the context, for the store that records it. Afterwards it logs the act if it
// was recorded or failed.
func (s *Server) audit(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		m := s.methods[req.Spec().Procedure].audited
		if m == nil {
			res, err := next(ctx, req)
			s.security.forged(ctx, err)
			return res, err
		}
		act := &audit.Act{Action: m.action, Address: ClientAddr(ctx)}
		if caller, ok := authn.From(ctx); ok {
			act.Actor, act.Role, act.Session = caller.UserID, caller.Role, caller.Session
		}
		if message, ok := req.Any().(proto.Message); ok && m.target != nil {
			act.Target, _ = uuid.Parse(message.ProtoReflect().Get(m.target).String())
		}
		res, err := next(audit.With(ctx, act), req)
		if act.Recorded() || err != nil {
			s.security.log(ctx, act, err)
		}
		s.security.forged(ctx, err)
		return res, err
	}
}

// securityLines is the maximum number of lines per second in the security log, for each pair of an event and an outcome.
const securityLines = 20

// accessEvent is the event of the security log for calls that are refused before they reach a use case.
const accessEvent = "ACCESS"

// forgedEvent is the event of the security log for a session whose record in Redis is not authentic.
const forgedEvent = "FORGED_SESSION"

// securityLog writes the security log: one line for each act and each refused access. The lines contain no passwords, tokens
// or codes.
type securityLog struct {
	to       *slog.Logger
	throttle *logs.Throttle
}

func newSecurityLog(to *slog.Logger) securityLog {
	return securityLog{to, logs.NewThrottle(securityLines, time.Now)}
}

// log writes the line about an act that failed with err, or succeeded if err is nil.
func (l securityLog) log(ctx context.Context, a *audit.Act, err error) {
	outcome := audit.OK
	if err != nil {
		outcome = string(apperr.CodeOf(err))
	}
	suppressed, ok := l.throttle.Allow(a.Action + " " + outcome)
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("event", a.Action), slog.String("outcome", outcome), slog.String("request_id", RequestID(ctx)),
	}
	if a.Address.IsValid() {
		attrs = append(attrs, slog.String("address", a.Address.String()))
	}
	for _, id := range []struct {
		name string
		id   uuid.UUID
	}{{"actor", a.Actor}, {"target", a.Target}, {"session", a.Session}} {
		if id.id != uuid.Nil {
			attrs = append(attrs, slog.String(id.name, id.id.String()))
		}
	}
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", suppressed))
	}
	l.to.LogAttrs(ctx, slog.LevelInfo, "security", attrs...)
}

// refused logs a refused access, if the refusal is of interest: a caller without the right, or a forged token. The parameter
// caller is zero if the caller is unknown.
func (l securityLog) refused(ctx context.Context, caller authn.Caller, err *apperr.Error) {
	l.forged(ctx, err)
	if err.Code == apperr.Forbidden || err.Code == apperr.MfaRequired || err.Code == apperr.TokenInvalid {
		l.log(ctx, &audit.Act{
			Action: accessEvent, Address: ClientAddr(ctx), Actor: caller.UserID, Session: caller.Session,
		}, err)
	}
}

// forged logs a refusal because the record of a session is not authentic.
func (l securityLog) forged(ctx context.Context, err error) {
	if e, ok := errors.AsType[*authn.ForgedSessionError](err); ok {
		l.log(ctx, &audit.Act{Action: forgedEvent, Address: ClientAddr(ctx), Session: e.Session}, err)
	}
}
