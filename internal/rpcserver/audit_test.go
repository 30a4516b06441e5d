package rpcserver_test

import (
	"context"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestStepUp checks that methods with the option step_up refuse callers without a fresh second factor, and only them.
func TestStepUp(t *testing.T) {
	s := start(t, func(c *rpcserver.Config) {
		c.FreshFactor = func(context.Context, authn.Caller) error {
			return apperr.New(apperr.MfaRequired, "present the second factor again")
		}
	})
	a := s.call(t, "POST /api/v1/auth/register-staff", "admin", `{"email":"a@example.com","password":"correct horse"}`)
	if a.status != 401 || a.object(t)["code"] != "MFA_REQUIRED" {
		t.Errorf("got %v, want MFA_REQUIRED", a)
	}
	if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="loyalty", error="insufficient_user_authentication"` {
		t.Errorf("the challenge is %s", got)
	}
	if a := s.call(t, "GET "+promotions+"/players/"+playerID, "player", ""); a.status != 200 {
		t.Errorf("got %v, want 200 for a method without step_up", a)
	}
}

// TestSecurityLog checks the lines about refused accesses and failed acts. A flood of failures must not flood the log.
func TestSecurityLog(t *testing.T) {
	s := start(t)
	s.fail(apperr.New(apperr.UserExists, "the e-mail is taken"))
	s.call(t, "POST /api/v1/auth/register-staff", "staff", `{}`)
	s.call(t, "POST /api/v1/auth/register-staff", "forged", `{}`)
	s.call(t, "GET "+promotions+"/players/"+otherID, "player", "")
	s.call(t, "GET "+promotions+"/players/"+otherID, "forged-session", "")
	for range 100 {
		s.call(t, "PATCH "+promotions+"/"+thingID, "staff", `{"title":"x"}`)
	}
	const line = `"level":"INFO","msg":"security",`
	for text, want := range map[string]int{
		line + `"event":"ACCESS","outcome":"FORBIDDEN"`:     2,
		line + `"event":"ACCESS","outcome":"TOKEN_INVALID"`: 1,
		// The session is at the end of the line.
		line + `"event":"FORGED_SESSION","outcome":"TOKEN_REVOKED"`: 1,
		`"session":"` + thingID + `"`:                               1,
	} {
		if got := s.log().Count(text); got != want {
			t.Errorf("%d lines with %s, want %d", got, text, want)
		}
	}
	text := line + `"event":"UPDATE_PROMOTION","outcome":"USER_EXISTS"`
	// The calls may take longer than a second.
	if got := s.log().Count(text); got < 20 || got > 99 {
		t.Errorf("%d lines about 100 failures, want 20 per second", got)
	}
	for logged := range strings.Lines(s.log().String()) {
		if strings.Contains(logged, text) && (!strings.Contains(logged, `"actor":"`+staffID+`"`) ||
			!strings.Contains(logged, `"target":"`+thingID+`"`) || !strings.Contains(logged, `"address":"`) ||
			!strings.Contains(logged, `"request_id":"`)) {
			t.Errorf("got %s, want actor, target, address and request id", logged)
		}
	}
}

// TestEnrollingCallers checks that a caller who must enrol a second factor may not call other methods.
func TestEnrollingCallers(t *testing.T) {
	s := start(t, func(c *rpcserver.Config) { c.Authenticator = enrolling{} })
	a := s.call(t, "GET "+promotions+"/players/"+playerID, "staff", "")
	if a.status != 403 || !strings.Contains(a.body, "second factor") {
		t.Errorf("got %v, want FORBIDDEN with the reason", a)
	}
}

// enrolling authenticates callers who must enrol a second factor.
type enrolling struct{ tokens }

func (e enrolling) Authenticate(ctx context.Context, token string) (authn.Caller, error) {
	c, err := e.tokens.Authenticate(ctx, token)
	c.Enrolling = true
	return c, err
}
