package e2e_test

import (
	"encoding/base32"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/totp"
)

// authenticator is a device with a second factor.
type authenticator struct {
	t        *testing.T
	secret   string
	recovery []string
	last     int64 // the last time step whose code was used
}

// enrol enrols a second factor and confirms it.
func enrol(c client) *authenticator {
	c.t.Helper()
	device := begin(c)
	c.call(204, "POST", "/api/v1/users/me/mfa/totp/confirm", object{"code": device.code()})
	return device
}

// begin begins the enrolment of a second factor.
func begin(c client) *authenticator {
	c.t.Helper()
	a := c.call(200, "POST", "/api/v1/users/me/mfa/totp", nil)
	device := &authenticator{t: c.t, secret: a.text("secret")}
	for _, code := range a.body["recoveryCodes"].([]any) {
		device.recovery = append(device.recovery, code.(string))
	}
	if want := "secret=" + device.secret; !strings.Contains(a.text("uri"), want) || len(device.recovery) != 10 {
		c.t.Errorf("got %v, want a URI with %s and 10 recovery codes", a, want)
	}
	return device
}

// code returns an unused code: of the previous, the current or the next time step, which are all accepted. There are at most
// three of them in 30 seconds.
func (d *authenticator) code() string {
	d.t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(d.secret)
	if err != nil {
		d.t.Fatal(err)
	}
	now := totp.Step(time.Now())
	d.last = max(d.last+1, now)
	if d.last > now+1 {
		d.t.Fatal("the test uses too many codes at once; use recovery codes")
	}
	return totp.Secret(secret).Code(d.last)
}

// TestSecondFactor logs in with a second factor, presents it again for acts that need it, and resets it.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "kafka", migratedDatabases(t), "LOYALTY_MFA_FRESHNESS=1h")
	c.open()
	admin := c.admin(t)
	other := newStaff(t, admin)
	player := newPlayer(t, c.url)
	const mfa, login = "/api/v1/users/me/mfa/totp", "/api/v1/auth/login"
	admin.refused(404, "NOT_FOUND", "POST", mfa+"/confirm", object{"code": "123456"})
	admin.refused(404, "NOT_FOUND", "DELETE", mfa, object{"code": "123456"})
	player.refused(403, "FORBIDDEN", "POST", mfa, nil)

	old := admin.call(200, "POST", mfa, nil)
	device := enrol(admin)
	if old.text("secret") == device.secret {
		t.Error("two enrolments have the same secret")
	}
	admin.refused(409, "MFA_ALREADY_ACTIVE", "POST", mfa, nil)
	admin.refused(409, "MFA_ALREADY_ACTIVE", "POST", mfa+"/confirm", object{"code": "123456"})
	for _, code := range []string{"", "12345", "1234567", "abcdef", "AAAAA-AAAAA-", "١٢٣٤٥٦"} {
		admin.refused(400, "VALIDATION_FAILED", "DELETE", mfa, object{"code": code})
	}

	right := object{"email": adminEmail, "password": adminPassword}
	a := admin.refused(401, "MFA_REQUIRED", "POST", login, right)
	if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_user_authentication"`) {
		t.Errorf("the challenge is %q", got)
	}
	admin.refused(401, "INVALID_CREDENTIALS", "POST", login, object{"email": adminEmail, "password": "wrong password", "code": device.recovery[9]})
	admin.refused(401, "MFA_CODE_INVALID", "POST", login, object{"email": adminEmail, "password": adminPassword, "code": "AAAAA-AAAAA"})
	admin.refused(400, "VALIDATION_FAILED", "POST", login, object{"email": adminEmail, "password": adminPassword, "code": "x"})
	used := device.recovery[0]
	second := client{t: t, url: c.url, id: admin.id}
	second.token = admin.call(200, "POST", login, object{
		"email": adminEmail, "password": adminPassword, "code": strings.ToLower(used),
	}).text("accessToken")
	admin.refused(401, "MFA_CODE_INVALID", "POST", login, object{"email": adminEmail, "password": adminPassword, "code": used})

	// The second session presented the factor last, so the first session must present it again.
	acts := func(do func(method, path string, body any)) {
		do("POST", "/api/v1/users/"+player.id+"/deactivate", nil)
		do("POST", "/api/v1/users/"+player.id+"/activate", nil)
		do("DELETE", "/api/v1/users/"+other.id+"/mfa/totp", nil)
		do("POST", "/api/v1/auth/register-staff", object{"email": "fresh@example.com", "password": password})
	}
	acts(func(method, path string, body any) { admin.refused(401, "MFA_REQUIRED", method, path, body) })
	reverse := "/api/v1/users/" + player.id + "/transactions/" + someID + "/reverse"
	admin.refused(401, "MFA_REQUIRED", "POST", reverse, object{"reason": "a mistake"})
	second.refused(404, "NOT_FOUND", "POST", reverse, object{"reason": "a mistake"})
	admin.call(204, "DELETE", "/api/v1/users/"+player.id+"/sessions", nil) // needs no fresh factor
	acts(func(method, path string, body any) {
		if a, err := second.try(method, path, body); err != nil || a.status >= 300 {
			t.Errorf("%s %s with a fresh factor: got %v, %v", method, path, a, err)
		}
	})
	admin.call(204, "POST", mfa+"/verify", object{"code": device.recovery[2]})
	admin.refused(403, "FORBIDDEN", "DELETE", "/api/v1/users/"+admin.id+"/mfa/totp", nil)
	admin.call(200, "POST", "/api/v1/users/"+player.id+"/deactivate", nil)

	once(t, c, device)

	reset := exec.Command(programs.loyalty, "admin", "--settings", c.settings, "--reset-factor", adminEmail)
	if out, err := reset.CombinedOutput(); err != nil || !strings.Contains(string(out), "has no second factor") {
		t.Fatalf("reset the factor: %v\n%s", err, out)
	}
	admin.call(200, "POST", login, right)
	enrol(admin)
	guesses(t, c)
	for _, secret := range append(device.recovery, device.secret) {
		if lines := c.logged("users", secret); len(lines) > 0 {
			t.Errorf("the log contains a secret: %q", lines)
		}
	}
}

// once logs in several times at once with the same code, and with the same recovery code. More logins would be refused by the
// limit of failed logins; the tests of the store use a code more often at once.
func once(t *testing.T, c *cluster, device *authenticator) {
	for name, code := range map[string]string{"code": device.code(), "recovery code": device.recovery[1]} {
		var logins sync.WaitGroup
		results := make(chan string, 5)
		for range cap(results) {
			logins.Go(func() {
				a, err := client{t: t, url: c.url}.try("POST", "/api/v1/auth/login", object{
					"email": adminEmail, "password": adminPassword, "code": code,
				})
				if err != nil {
					t.Error(err)
				}
				results <- a.text("code")
			})
		}
		logins.Wait()
		close(results)
		accepted := 0
		for code := range results {
			switch code {
			case "":
				accepted++
			case "MFA_CODE_INVALID":
			default:
				t.Errorf("%s: got %s", name, code)
			}
		}
		if accepted != 1 {
			t.Errorf("the same %s was accepted %d times", name, accepted)
		}
	}
}

// guesses guesses codes with the right password. Logins without a code must not clear the count of wrong codes.
func guesses(t *testing.T, c *cluster) {
	login := func(code string) string {
		a, err := client{t: t, url: c.url}.try("POST", "/api/v1/auth/login", object{
			"email": adminEmail, "password": adminPassword, "code": code,
		})
		if err != nil {
			t.Fatal(err)
		}
		return a.text("code")
	}
	for i := range 40 {
		login("")
		switch got := login("AAAAA-AAAAA"); {
		case got == "RATE_LIMITED":
			return
		case got != "MFA_CODE_INVALID":
			t.Fatalf("guess %d: got %s", i, got)
		}
	}
	t.Error("40 guesses were accepted")
}

// TestRequiredSecondFactor checks that an employee without a second factor can only enrol one.
func TestRequiredSecondFactor(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "kafka", migratedDatabases(t), "LOYALTY_MFA_REQUIRED=true")
	c.open()
	login := client{t: t, url: c.url}.call(200, "POST", "/api/v1/auth/login", object{
		"email": adminEmail, "password": adminPassword, "refreshTokenIn": "BODY",
	})
	admin := client{t: t, url: c.url, token: login.text("accessToken")}
	before := admin.call(200, "POST", "/api/v1/auth/login", object{
		"email": adminEmail, "password": adminPassword, "refreshTokenIn": "BODY",
	})
	for _, r := range routes() {
		if !strings.Contains(r.roles, "A") || strings.HasPrefix(r.path, "/api/v1/users/me/mfa/totp") && r.method == "POST" ||
			r.path == "/api/v1/users/me" {
			continue
		}
		admin.refused(403, "FORBIDDEN", r.method, r.path, r.payload())
	}
	admin.call(200, "GET", "/api/v1/users/me", nil)
	device := enrol(admin)
	// The confirmation has ended the other session, which could else refresh without a code.
	admin.refused(401, "TOKEN_REVOKED", "POST", "/api/v1/auth/refresh", object{"refreshToken": before.text("refreshToken")})
	admin.refused(403, "FORBIDDEN", "GET", "/api/v1/users", nil) // the token is still that of the enrolment
	refreshed := admin.call(200, "POST", "/api/v1/auth/refresh", object{"refreshToken": login.text("refreshToken")})
	admin.token = refreshed.text("accessToken")
	newStaff(t, admin)  // the confirmation presented the factor
	newPlayer(t, c.url) // players need no factor

	admin.call(204, "DELETE", "/api/v1/users/me/mfa/totp", object{"code": device.recovery[0]})
	admin.refused(403, "FORBIDDEN", "POST", "/api/v1/auth/register-staff", object{"email": "x@example.com", "password": password})
	admin.token = admin.call(200, "POST", "/api/v1/auth/refresh", object{"refreshToken": refreshed.text("refreshToken")}).text("accessToken")
	admin.refused(403, "FORBIDDEN", "GET", "/api/v1/users", nil)
}
