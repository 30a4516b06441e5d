package rpcserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// Authenticator tells who an access token speaks for.
type Authenticator interface {
	// Authenticate returns the token's caller, or an *apperr.Error: TokenInvalid, TokenExpired, TokenRevoked, or
	// DependencyUnavailable where the session cannot be looked up.
	Authenticate(ctx context.Context, token string) (authn.Caller, error)
}

// access says who may call a method.
type access struct {
	// open methods look at no access token: public ones and those for which the use case checks a refresh token.
	open  bool
	roles map[authn.Role]bool
	// own is the request field that must be a player's own id, or nil.
	own protoreflect.FieldDescriptor
}

// accessOf reads a method's access option. What is missing or contradicts itself is an error: such a method is not
// served.
func accessOf(md protoreflect.MethodDescriptor) (access, error) {
	option, _ := proto.GetExtension(md.Options(), optionsv1.E_Access).(*optionsv1.Access)
	ways := 0
	for _, set := range []bool{
		option.GetPublic(), option.GetRefreshToken(), option.GetInternal(), len(option.GetRoles()) > 0,
	} {
		if set {
			ways++
		}
	}
	switch {
	case ways == 0:
		return access{}, fmt.Errorf("%s says nowhere who may call it: its access option is missing", md.FullName())
	case ways > 1:
		return access{}, fmt.Errorf("%s: its access option says more than one thing", md.FullName())
	case option.GetInternal():
		return access{}, fmt.Errorf("%s is internal and cannot be served in public", md.FullName())
	}
	a := access{open: len(option.GetRoles()) == 0, roles: map[authn.Role]bool{}}
	for _, role := range option.GetRoles() {
		if role == optionsv1.Role_ROLE_UNSPECIFIED {
			return access{}, fmt.Errorf("%s: a role is unspecified", md.FullName())
		}
		a.roles[authn.Role(role.String())] = true
	}
	if own := option.GetOwn(); own != "" {
		a.own = md.Input().Fields().ByName(protoreflect.Name(own))
		if a.open || a.own == nil || a.own.Kind() != protoreflect.StringKind || a.own.IsList() {
			return access{}, fmt.Errorf("%s: own names no text field of a method with roles", md.FullName())
		}
	}
	return a, nil
}

// authenticate finds out who calls, for the methods that want to know.
func (s *Server) authenticate(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if s.methods[req.Spec().Procedure].access.open {
			return next(ctx, req)
		}
		token, ok := BearerToken(req.Header())
		if !ok {
			return nil, apperr.New(apperr.TokenMissing, "the header Authorization with a bearer token is needed")
		}
		caller, err := s.cfg.Authenticator.Authenticate(ctx, token)
		if err != nil {
			return nil, err
		}
		requestInfoFrom(ctx).caller = caller.UserID.String()
		return next(authn.With(ctx, caller), req)
	}
}

// authorise refuses callers whose role may not call the method, and players who name another player.
func (s *Server) authorise(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		a := s.methods[req.Spec().Procedure].access
		if a.open {
			return next(ctx, req)
		}
		caller, ok := authn.From(ctx)
		if !ok || !a.roles[caller.Role] {
			return nil, apperr.New(apperr.Forbidden, "your role may not do this")
		}
		if a.own != nil && caller.Role == authn.RolePlayer && !names(req.Any(), a.own, caller.UserID) {
			return nil, apperr.New(apperr.Forbidden, "players may do this only for themselves")
		}
		return next(ctx, req)
	}
}

// names reports whether a request's field is the id.
func names(request any, fd protoreflect.FieldDescriptor, id uuid.UUID) bool {
	m, ok := request.(proto.Message)
	if !ok {
		return false
	}
	given, err := uuid.Parse(strings.TrimSpace(m.ProtoReflect().Get(fd).String()))
	return err == nil && given == id
}

// BearerToken returns the token of the header Authorization; false where there is none, or not exactly one.
func BearerToken(h http.Header) (string, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false
	}
	return token, true
}
