package rpcserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func TestAccess(t *testing.T) {
	s := start(t)
	claim, of := "POST "+promotions+"/claim", "GET "+promotions+"/players/"
	body := `{"promotion_id":"` + thingID + `"}`
	for name, tt := range map[string]struct {
		line, token, body, header string
		status                    int
		code                      apperr.Code // none for success
	}{
		"public without a token":         {"POST /api/v1/auth/register", "", `{"email":"a@b.example","password":"12345678"}`, "", 201, ""},
		"public with a bad token":        {"POST /api/v1/auth/register", "x", `{"email":"a@b.example","password":"12345678"}`, "", 201, ""},
		"refresh token, not looked at":   {"POST /api/v1/auth/logout", "whatever", "", "", 204, ""},
		"no token":                       {claim, "", body, "", 401, apperr.TokenMissing},
		"no token and a bad body":        {claim, "", `{"x`, "", 401, apperr.TokenMissing},
		"no token and a bad query":       {"GET " + promotions + "?x=1", "", "", "", 401, apperr.TokenMissing},
		"another scheme":                 {claim, "", body, "Authorization: Basic cGxheWVy", 401, apperr.TokenMissing},
		"an empty token":                 {claim, "", body, "Authorization: Bearer  ", 401, apperr.TokenMissing},
		"the scheme in small letters":    {claim, "", body, "Authorization: bearer player", 200, ""},
		"a made-up token":                {claim, "x", body, "", 401, apperr.TokenInvalid},
		"an expired token":               {claim, "expired", body, "", 401, apperr.TokenExpired},
		"sessions cannot be looked up":   {claim, "redis-away", body, "", 503, apperr.DependencyUnavailable},
		"a player's method, by staff":    {claim, "staff", body, "", 403, apperr.Forbidden},
		"a player's method, by a player": {claim, "player", body, "", 200, ""},
		"staff's method, by a player":    {"GET " + promotions, "player", "", "", 403, apperr.Forbidden},
		"staff's method, by an admin":    {"GET " + promotions, "admin", "", "", 200, ""},
		"admin's method, by staff":       {"POST /api/v1/auth/register-staff", "staff", `{}`, "", 403, apperr.Forbidden},
		"a player's own":                 {of + playerID, "player", "", "", 200, ""},
		"in capital letters":             {of + strings.ToUpper(playerID), "player", "", "", 200, ""},
		"another player's":               {of + otherID, "player", "", "", 403, apperr.Forbidden},
		"nobody's":                       {of + "x", "player", "", "", 403, apperr.Forbidden},
		"any player's, by staff":         {of + otherID, "staff", "", "", 200, ""},
		"another's by a second field":    {of + otherID + "?player_id=" + playerID, "player", "", "", 403, apperr.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, tt.line, tt.token, tt.body, tt.header)
			called := s.last() != nil
			if tt.code == "" {
				if a.status != tt.status || !called {
					t.Errorf("got %d %s, called: %v", a.status, a.body, called)
				}
				return
			}
			a.problem(t, tt.status, tt.code)
			if called {
				t.Error("the use case was called")
			}
			if challenge := a.header.Get("WWW-Authenticate"); (tt.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
		})
	}
}

func TestCallerReachesTheUseCase(t *testing.T) {
	s := start(t)
	s.call(t, "GET "+promotions+"/players/"+playerID, "player", "")
	if s.caller.UserID.String() != playerID || s.caller.Role != authn.RolePlayer {
		t.Errorf("the use case saw the caller %+v", s.caller)
	}
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	h := http.Header{"Authorization": {"Bearer a", "Bearer b"}}
	if token, ok := rpcserver.BearerToken(h); ok {
		t.Errorf("one of two tokens was chosen: %q", token)
	}
}

// TestRefusesToStart mounts what must not be served.
func TestRefusesToStart(t *testing.T) {
	u := &useCases{}
	for name, tt := range map[string]struct {
		mount func(*rpcserver.Server)
		want  string
	}{
		"an internal method": {
			func(s *rpcserver.Server) { s.Mount("/loyalty.users.v1.LedgerService/", http.NotFoundHandler()) },
			"loyalty.users.v1.LedgerService.AddTransaction is internal",
		},
		"a method without access": {
			func(s *rpcserver.Server) { s.Mount("/grpc.health.v1.Health/", http.NotFoundHandler()) },
			"grpc.health.v1.Health.Check says nowhere who may call it",
		},
		"a service that does not exist": {
			func(s *rpcserver.Server) { s.Mount("/no.Service/", http.NotFoundHandler()) },
			"no.Service is no service",
		},
		"a service twice": {
			func(s *rpcserver.Server) {
				s.Mount(promotionsv1connect.NewPromotionServiceHandler(u, s.Options()...))
				s.Mount(promotionsv1connect.NewPromotionServiceHandler(u, s.Options()...))
			},
			"PromotionService.CreatePromotion is mounted twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := rpcserver.New(config(t))
			if err != nil {
				t.Fatal(err)
			}
			tt.mount(s)
			if h, err := s.Handler(); h != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Handler() = %v, %v; want an error with %q", h, err, tt.want)
			}
		})
	}
}

func TestIncompleteConfig(t *testing.T) {
	for setting, change := range map[string]func(*rpcserver.Config){
		"Service":       func(c *rpcserver.Config) { c.Service = "" },
		"Authenticator": func(c *rpcserver.Config) { c.Authenticator = nil },
		"Log":           func(c *rpcserver.Config) { c.Log = nil },
		"MaxBody":       func(c *rpcserver.Config) { c.MaxBody = -1 },
	} {
		if _, err := rpcserver.New(config(t, change)); err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("without %s: %v", setting, err)
		}
	}
}
