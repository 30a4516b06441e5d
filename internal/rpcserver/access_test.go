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
	claim, listOf := "POST "+promotions+"/claim", "GET "+promotions+"/players/"
	body := `{"promotion_id":"` + thingID + `"}`
	for name, tt := range map[string]struct {
		line, token, body, header string
		status                    int
		code                      apperr.Code // none for success
	}{
		"public, no token":             {"POST /api/v1/auth/register", "", `{"email":"a@b.example","password":"12345678"}`, "", 201, ""},
		"public, invalid token":        {"POST /api/v1/auth/register", "x", `{"email":"a@b.example","password":"12345678"}`, "", 201, ""},
		"refresh token is not checked": {"POST /api/v1/auth/logout", "whatever", "", "", 204, ""},
		"no token":                     {claim, "", body, "", 401, apperr.TokenMissing},
		"no token, invalid body":       {claim, "", `{"x`, "", 401, apperr.TokenMissing},
		"no token, invalid query":      {"GET " + promotions + "?x=1", "", "", "", 401, apperr.TokenMissing},
		"other scheme":                 {claim, "", body, "Authorization: Basic cGxheWVy", 401, apperr.TokenMissing},
		"empty token":                  {claim, "", body, "Authorization: Bearer  ", 401, apperr.TokenMissing},
		"scheme in lower case":         {claim, "", body, "Authorization: bearer player", 200, ""},
		"invalid token":                {claim, "x", body, "", 401, apperr.TokenInvalid},
		"expired token":                {claim, "expired", body, "", 401, apperr.TokenExpired},
		"sessions are unavailable":     {claim, "redis-away", body, "", 503, apperr.DependencyUnavailable},
		"player method, by staff":      {claim, "staff", body, "", 403, apperr.Forbidden},
		"player method, by a player":   {claim, "player", body, "", 200, ""},
		"staff method, by a player":    {"GET " + promotions, "player", "", "", 403, apperr.Forbidden},
		"staff method, by an admin":    {"GET " + promotions, "admin", "", "", 200, ""},
		"admin method, by staff":       {"POST /api/v1/auth/register-staff", "staff", `{}`, "", 403, apperr.Forbidden},
		"own data":                     {listOf + playerID, "player", "", "", 200, ""},
		"own data, id in upper case":   {listOf + strings.ToUpper(playerID), "player", "", "", 200, ""},
		"data of another player":       {listOf + otherID, "player", "", "", 403, apperr.Forbidden},
		"invalid player id":            {listOf + "x", "player", "", "", 403, apperr.Forbidden},
		"data of a player, by staff":   {listOf + otherID, "staff", "", "", 200, ""},
		"own id in the query":          {listOf + otherID + "?player_id=" + playerID, "player", "", "", 403, apperr.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, tt.line, tt.token, tt.body, tt.header)
			called := s.last() != nil
			if tt.code == "" {
				if a.status != tt.status || !called {
					t.Errorf("got %d %s, use case called: %v; want %d and a call", a.status, a.body, called, tt.status)
				}
				return
			}
			a.problem(t, tt.status, tt.code)
			if called {
				t.Error("the use case was called")
			}
			if challenge := a.header.Get("WWW-Authenticate"); (tt.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("status %d with WWW-Authenticate %q, want Bearer only with status 401", tt.status, challenge)
			}
		})
	}
}

func TestCallerReachesTheUseCase(t *testing.T) {
	s := start(t)
	s.call(t, "GET "+promotions+"/players/"+playerID, "player", "")
	if s.caller.UserID.String() != playerID || s.caller.Role != authn.RolePlayer {
		t.Errorf("the use case got the caller %+v, want player %s", s.caller, playerID)
	}
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	h := http.Header{"Authorization": {"Bearer a", "Bearer b"}}
	if token, ok := rpcserver.BearerToken(h); ok {
		t.Errorf("got token %q from two headers, want none", token)
	}
}

// TestHandlerRefusesServices mounts services that must not be served.
func TestHandlerRefusesServices(t *testing.T) {
	u := &useCases{}
	for name, tt := range map[string]struct {
		mount func(*rpcserver.Server)
		want  string
	}{
		"internal method": {
			func(s *rpcserver.Server) { s.Mount("/loyalty.users.v1.LedgerService/", http.NotFoundHandler()) },
			"loyalty.users.v1.LedgerService.AddTransaction is internal",
		},
		"method without access option": {
			func(s *rpcserver.Server) { s.Mount("/grpc.health.v1.Health/", http.NotFoundHandler()) },
			"grpc.health.v1.Health.Check has no access option",
		},
		"unknown service": {
			func(s *rpcserver.Server) { s.Mount("/no.Service/", http.NotFoundHandler()) },
			"no.Service is not a service",
		},
		"service mounted twice": {
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
			t.Errorf("invalid %s: New returned %v, want an error that names the setting", setting, err)
		}
	}
}
