package tour

import (
	"context"
	"encoding/base32"
	"fmt"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/totp"
)

// security shows a second factor and the audit trail: Stella enrols a factor and logs in with it, and the admin reads what
// she has done.
func (g *guide) security(ctx context.Context) error {
	secret, step, err := g.enrol(ctx)
	if err != nil {
		return err
	}
	g.step("Stella's password alone is not enough now")
	body := map[string]any{"email": g.staff.email, "password": g.staff.password, "refreshTokenIn": "BODY"}
	anonymous := &person{name: g.staff.name}
	var refusal problem
	if _, err := g.call(ctx, anonymous, "POST", "/api/v1/auth/login", body, &refusal, http.StatusUnauthorized); err != nil {
		return err
	}
	if err := expect(refusal.Code == "MFA_REQUIRED", "MFA_REQUIRED"); err != nil {
		return err
	}
	g.step("Stella logs in with her password and the next code, because each code works once")
	body["code"] = secret.Code(step + 1)
	if _, err := g.call(ctx, anonymous, "POST", "/api/v1/auth/login", body, nil, http.StatusOK); err != nil {
		return err
	}
	return g.readAudit(ctx)
}

// enrol enrols a second factor for Stella. It returns the secret and the step of the code that she used.
func (g *guide) enrol(ctx context.Context) (totp.Secret, int64, error) {
	const path = "/api/v1/users/me/mfa/totp"
	g.step("Stella enrols a second factor")
	var factor struct {
		Secret string `json:"secret"`
	}
	if _, err := g.call(ctx, g.staff, "POST", path, map[string]any{}, &factor, http.StatusOK); err != nil {
		return nil, 0, err
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(factor.Secret)
	if err != nil {
		return nil, 0, fmt.Errorf("decode the secret: %w", err)
	}
	g.step("Stella confirms it with a code; an authenticator app would show the code")
	step := totp.Step(time.Now())
	body := map[string]any{"code": totp.Secret(secret).Code(step)}
	_, err = g.call(ctx, g.staff, "POST", path+"/confirm", body, nil, http.StatusNoContent)
	return secret, step, err
}

// readAudit waits until the audit trail has Stella's acts. Those of promotions arrive as events.
func (g *guide) readAudit(ctx context.Context) error {
	g.step("The admin reads in the audit trail what Stella has done")
	return g.retry(ctx, func() (bool, error) {
		var trail struct {
			Entries []struct {
				Action  string `json:"action"`
				Outcome string `json:"outcome"`
			} `json:"entries"`
		}
		path := "/api/v1/audit?page_size=100&actor=" + g.staff.id
		if _, err := g.call(ctx, g.admin, "GET", path, nil, &trail, http.StatusOK); err != nil {
			return false, err
		}
		found := map[string]bool{}
		for _, e := range trail.Entries {
			found[e.Action+" "+e.Outcome] = true
		}
		return found["CREATE_PROMOTION OK"] && found["ASSIGN_PROMOTION OK"] && found["CONFIRM_MFA OK"] && found["LOGIN OK"], nil
	})
}
