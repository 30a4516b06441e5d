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

// Authenticator authenticates access tokens.
type Authenticator interface {
	// Authenticate returns the caller to whom the token was issued. It returns an *apperr.Error: TokenInvalid,
	// TokenExpired, TokenRevoked, or DependencyUnavailable if the session cannot be looked up. It must limit how long it waits
	// for a dependency.
	Authenticate(ctx context.Context, token string) (authn.Caller, error)
}

// access is the set of callers that may call a method.
type access struct {
	// open is true for methods that need no access token: public methods, and methods whose use case checks a refresh
	// token.
	open  bool
	roles map[authn.Role]bool
	// own is the request field that must contain the id of the calling player, or nil.
	playerField protoreflect.FieldDescriptor
	// enrolling is true if callers who must enrol a second factor may call the method.
	enrolling bool
	// stepUp is true if the caller must have presented the second factor recently.
	stepUp bool
}

// accessOf reads the access option of a method. It returns an error if the option is missing, contradictory or internal.
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
		return access{}, fmt.Errorf("%s has no access option", md.FullName())
	case ways > 1:
		return access{}, fmt.Errorf("the access option of %s must set exactly one of public, refresh_token, internal, roles",
			md.FullName())
	case option.GetInternal():
		return access{}, fmt.Errorf("%s is internal and cannot be served publicly", md.FullName())
	}
	a := access{
		open: len(option.GetRoles()) == 0, roles: map[authn.Role]bool{},
		enrolling: option.GetEnrolling(), stepUp: option.GetStepUp(),
	}
	for _, role := range option.GetRoles() {
		if role == optionsv1.Role_ROLE_UNSPECIFIED {
			return access{}, fmt.Errorf("the access option of %s contains an unspecified role", md.FullName())
		}
		a.roles[authn.Role(role.String())] = true
	}
	if a.open && (a.enrolling || a.stepUp) {
		return access{}, fmt.Errorf("the access option of %s: enrolling and step_up need roles", md.FullName())
	}
	if own := option.GetOwn(); own != "" {
		a.playerField = md.Input().Fields().ByName(protoreflect.Name(own))
		if a.open || a.playerField == nil || a.playerField.Kind() != protoreflect.StringKind || a.playerField.IsList() {
			return access{}, fmt.Errorf("the access option of %s: own must name a string field, and needs roles", md.FullName())
		}
	}
	return a, nil
}

// authorize refuses players who pass the id of another player, and callers who must present their second factor again. It
// also refuses calls that did not pass admit.
func (s *Server) authorize(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		a := s.methods[req.Spec().Procedure].access
		if a.open {
			return next(ctx, req)
		}
		caller, ok := authn.From(ctx)
		var err error
		switch {
		case !ok || !a.roles[caller.Role]:
			err = apperr.New(apperr.Forbidden, "your role does not allow this")
		case a.playerField != nil && caller.Role == authn.RolePlayer && !contains(req.Any(), a.playerField, caller.UserID):
			err = apperr.New(apperr.Forbidden, "players may only access their own data")
		case a.stepUp:
			err = s.cfg.FreshFactor(ctx, caller)
		}
		if err != nil {
			s.security.refused(ctx, caller, apperr.From(err))
			return nil, err
		}
		return next(ctx, req)
	}
}

// contains reports whether a field of a request contains the id.
func contains(request any, fd protoreflect.FieldDescriptor, id uuid.UUID) bool {
	m, ok := request.(proto.Message)
	if !ok {
		return false
	}
	given, err := uuid.Parse(strings.TrimSpace(m.ProtoReflect().Get(fd).String()))
	return err == nil && given == id
}

// BearerToken returns the bearer token in the header Authorization. It returns false if there is no such header, if
// there are several, or if the header does not contain a bearer token.
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
