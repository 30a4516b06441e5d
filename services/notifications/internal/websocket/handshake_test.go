package websocket_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// sign makes a token of a session that ends when the test wants.
func (w *world) sign(t *testing.T, user, session uuid.UUID, expires time.Time) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": issuerName, "aud": audience, "sub": user.String(), "sid": session.String(), "role": "PLAYER",
		"iat": time.Now().Add(-time.Minute).Unix(), "exp": expires.Unix(), "jti": uuid.New().String(),
	})
	token.Header["typ"] = "at+jwt"
	token.Header["kid"] = accesstoken.KeyID(w.key.Public().(ed25519.PublicKey))
	signed, err := token.SignedString(w.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestHandshakeRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	good, session := w.login(t, player, authn.RolePlayer)
	staff, _ := w.login(t, uuid.New(), authn.RoleStaff)
	admin, _ := w.login(t, uuid.New(), authn.RoleAdmin)
	ended, endedSession := w.login(t, player, authn.RolePlayer)
	if err := w.sessions.EndSession(t.Context(), endedSession); err != nil {
		t.Fatal(err)
	}
	expired := w.sign(t, player, session.ID, time.Now().Add(-time.Minute))
	for name, tt := range map[string]struct {
		method, token string
		change        func(http.Header)
		status        int
		code          string
	}{
		"no token":         {token: "", status: 401, code: "TOKEN_MISSING"},
		"garbage":          {token: "garbage", status: 401, code: "TOKEN_INVALID"},
		"expired":          {token: expired, status: 401, code: "TOKEN_EXPIRED"},
		"logged out":       {token: ended, status: 401, code: "TOKEN_REVOKED"},
		"staff":            {token: staff, status: 403, code: "FORBIDDEN"},
		"admin":            {token: admin, status: 403, code: "FORBIDDEN"},
		"another method":   {token: good, method: "POST", status: 405, code: "METHOD_NOT_ALLOWED"},
		"a foreign page":   {token: good, change: set("Origin", "https://evil.example"), status: 403, code: "FORBIDDEN"},
		"an opaque page":   {token: good, change: set("Origin", "null"), status: 403, code: "FORBIDDEN"},
		"no upgrade":       {token: good, change: without("Upgrade"), status: 400, code: "VALIDATION_FAILED"},
		"another version":  {token: good, change: set("Sec-WebSocket-Version", "8"), status: 400, code: "VALIDATION_FAILED"},
		"no challenge key": {token: good, change: without("Sec-WebSocket-Key"), status: 400, code: "VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+websocket.Path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header = http.Header{
				"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
				"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
			}
			if tt.token != "" {
				request.Header.Set("Authorization", "Bearer "+tt.token)
			}
			if tt.change != nil {
				tt.change(request.Header)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			var problem struct{ Code string }
			if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
				t.Fatalf("status %d: %v", response.StatusCode, err)
			}
			if response.StatusCode != tt.status || problem.Code != tt.code {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, problem.Code, tt.status, tt.code)
			}
			if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
			if (response.StatusCode == 401) != (response.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("status %d with the challenge %q", response.StatusCode, response.Header.Get("WWW-Authenticate"))
			}
		})
	}
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("%d places are held by connections that were refused", n)
	}
}

// A parameter that is misspelt is named, and not taken for none.
func TestUnknownParameters(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	_, response, err := dialer.DialContext(t.Context(), r.address("?from=1"), http.Header{"Authorization": {"Bearer " + token}})
	if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %v, %v, want status 400", response, err)
	}
	var problem struct{ Violations []struct{ Field string } }
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil || len(problem.Violations) != 1 ||
		problem.Violations[0].Field != "from" {
		t.Errorf("got %+v, %v", problem, err)
	}
}

func without(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }

func set(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }

func TestTokenAsSubprotocol(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	d := dialer
	d.Subprotocols = []string{"loyalty.v1", "bearer." + token}
	conn, response, err := d.DialContext(t.Context(), r.address(""), http.Header{"Origin": {r.url}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got := response.Header.Values("Sec-Websocket-Protocol"); len(got) != 1 || got[0] != "loyalty.v1" {
		t.Errorf("selected %q, want loyalty.v1 alone", got)
	}
	for name, values := range response.Header {
		if strings.Contains(strings.Join(values, " "), token) {
			t.Errorf("the header %s repeats the token", name)
		}
	}
	r.notify(t, player, 1, 1)
	(&client{conn}).expectTitles(t, 1, 1)
}

func TestConfiguredOrigins(t *testing.T) {
	w := newWorld(t)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	for name, tt := range map[string]struct {
		allowed []string
		origin  string
		status  int
	}{
		"listed":              {[]string{"https://a.example", "https://b.example"}, "https://B.example", 101},
		"another port":        {[]string{"https://a.example"}, "https://a.example:8443", 403},
		"another scheme":      {[]string{"https://a.example"}, "http://a.example", 403},
		"a longer name":       {[]string{"https://a.example"}, "https://a.example.evil.example", 403},
		"any":                 {[]string{"*"}, "https://evil.example", 101},
		"a program":           {[]string{"https://a.example"}, "", 101},
		"same host, by none":  {nil, "self", 101},
		"same host, unlisted": {[]string{"https://a.example"}, "self", 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.start(t, func(c *websocket.Config) { c.Origins = tt.allowed })
			header := http.Header{"Authorization": {"Bearer " + token}}
			switch tt.origin {
			case "":
			case "self":
				header.Set("Origin", r.url)
			default:
				header.Set("Origin", tt.origin)
			}
			conn, response, err := dialer.DialContext(t.Context(), r.address(""), header)
			if conn != nil {
				defer func() { _ = conn.Close() }()
			}
			if response == nil || response.StatusCode != tt.status {
				t.Errorf("got %v, %v, want status %d", response, err, tt.status)
			}
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, change := range map[string]func(*websocket.Config){
		"Ping":    func(c *websocket.Config) { c.Ping = 0 },
		"Recheck": func(c *websocket.Config) { c.Recheck = -1 },
		"Queue":   func(c *websocket.Config) { c.Queue = 0 },
		"Origins": func(c *websocket.Config) { c.Origins = []string{"casino.example/path"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := websocket.DefaultConfig()
			if err := c.Validate(); err != nil {
				t.Fatalf("the default is refused: %v", err)
			}
			change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error that names %s", err, name)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.PerPlayer, c.Sockets = 2, 3 })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	other, _ := w.login(t, uuid.New(), authn.RolePlayer)
	first := r.connect(t, token, "")
	r.connect(t, token, "")
	status := func(token string) int {
		header := http.Header{"Authorization": {"Bearer " + token}}
		conn, response, err := dialer.DialContext(t.Context(), r.address(""), header)
		if err == nil {
			_ = conn.Close()
		}
		return response.StatusCode
	}
	if got := status(token); got != 429 {
		t.Errorf("the third connection of a player: %d, want 429", got)
	}
	r.connect(t, other, "")
	if got := status(other); got != 503 {
		t.Errorf("the fourth connection of the replica: %d, want 503", got)
	}
	if err := first.conn.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "the place to be free again", func() bool { return r.hub.Sockets() == 2 })
	r.connect(t, token, "")
}
