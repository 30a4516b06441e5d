package rpcserver

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// bind sets the fields of a REST request from its path, query and body. Its violations are reported after the caller has
// been authorized.
func (s *Server) bind(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if info := requestInfoFrom(ctx); info.route != nil {
			if m, ok := req.Any().(proto.Message); ok {
				info.bind(m.ProtoReflect())
			}
		}
		return next(ctx, req)
	}
}

func (info *requestInfo) bind(m protoreflect.Message) {
	query := info.bindQuery(m)
	if info.route.mask != nil {
		mask := &fieldmaskpb.FieldMask{Paths: info.readMask(query)}
		m.Set(info.route.mask, protoreflect.ValueOfMessage(mask.ProtoReflect()))
	}
	info.bindBody(m)
	info.bindPath(m) // last, because a body must not replace the values of the path
}

// bindPath sets the fields of the path's variables. It adds a violation to info for each unknown name of an enum's value.
// Validation refuses values that are not ids.
func (info *requestInfo) bindPath(m protoreflect.Message) {
	rest := strings.TrimPrefix(info.url.EscapedPath(), "/")
	for _, fd := range info.route.variables {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		switch {
		case fd == nil:
		case fd.Enum() == nil:
			m.Set(fd, protoreflect.ValueOfString(strings.ToValidUTF8(unescape(segment), "\uFFFD")))
		default:
			m.Clear(fd) // a body must not replace the value
			n, ok := strictjson.EnumNumber(fd.Enum(), unescape(segment))
			if !ok {
				info.addViolation(string(fd.Name()), strictjson.RuleEnum, "one of "+strictjson.EnumNames(fd.Enum())+" is expected")
				continue
			}
			m.Set(fd, protoreflect.ValueOfEnum(n))
		}
	}
}

// bindBody reads the body into the resource or, without a resource, into the whole request.
func (info *requestInfo) bindBody(m protoreflect.Message) {
	prefix := ""
	if resource := info.route.resource; resource != nil {
		m, prefix = m.Mutable(resource).Message(), resource.JSONName()+"."
	}
	if info.body == nil {
		return
	}
	for _, v := range strictjson.Unmarshal(info.body, m.Interface()) {
		if v.Field != "" {
			v.Field = prefix + v.Field
		}
		info.violations = append(info.violations, v)
	}
}
