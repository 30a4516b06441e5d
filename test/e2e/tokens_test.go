package e2e_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// tamper makes a token say something else under the same signature.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "x"
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"exp":1`, `"exp":2`, 1)))
	return strings.Join(parts, ".")
}

// algNone drops a token's signature.
func algNone(token string) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	return header + "." + strings.Split(token, ".")[1] + "."
}

// TestTokens plays the life of sessions.
func TestTokens(t *testing.T) {
	t.Parallel()
	p := startDev(t, "nats")
	t.Run("the cookie", func(t *testing.T) { cookie(t, p) })
	t.Run("rotation, grace and reuse", func(t *testing.T) { rotation(t, p) })
	t.Run("twenty refreshes at once give one pair", func(t *testing.T) { parallelRefreshes(t, p) })
	t.Run("logout ends everything", func(t *testing.T) { logout(t, p) })
	t.Run("registration", func(t *testing.T) { registration(t, p) })
	t.Run("guessing is stopped", func(t *testing.T) { guessing(t, p) })
	t.Run("sockets are for players", func(t *testing.T) { admission(t, p) })
}

// inBody logs c in and returns both tokens.
func inBody(c client) (access, refresh string) {
	c.t.Helper()
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": c.email, "password": password, "refreshTokenIn": "BODY"})
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Set-Cookie") != "" {
		c.t.Errorf("tokens in the body come with %v", a.header)
	}
	return a.text("accessToken"), a.text("refreshToken")
}

func cookie(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": strings.ToUpper(c.email), "password": password})
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "Secure", "SameSite=Strict", "Path=/api/v1/auth"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie %q has no %s", set, want)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.body["refreshToken"] != nil {
		t.Errorf("the answer is %v with %v", a, a.header)
	}
	pair, _, _ := strings.Cut(set, ";")
	c.token = ""
	refreshed := c.call(200, "POST", "/api/v1/auth/refresh", nil, "Cookie", pair)
	if refreshed.body["refreshToken"] != nil || refreshed.header.Get("Set-Cookie") == "" {
		t.Errorf("refreshed by cookie: %v", refreshed)
	}
	again, _, _ := strings.Cut(refreshed.header.Get("Set-Cookie"), ";")
	out := c.call(204, "POST", "/api/v1/auth/logout", nil, "Cookie", again)
	if cleared := out.header.Get("Set-Cookie"); !strings.Contains(cleared, "Max-Age=0") || out.raw != "" {
		t.Errorf("logged out with %q, %v", cleared, out)
	}
}

func rotation(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	_, first := inBody(c)
	c.token = ""
	pair := c.call(200, "POST", "/api/v1/auth/refresh", object{"refreshToken": first})
	same := c.call(200, "POST", "/api/v1/auth/refresh", object{}, "Authorization", "Bearer "+first)
	if pair.text("refreshToken") != same.text("refreshToken") || pair.text("accessToken") != same.text("accessToken") {
		t.Errorf("within the grace the pair is %v, then %v", pair, same)
	}
	fresh := client{t: t, url: p.url, token: pair.text("accessToken")}
	fresh.call(200, "GET", "/api/v1/users/me", nil)
	eventually(t, "the grace is over", func() error {
		a, err := c.try("POST", "/api/v1/auth/refresh", object{"refreshToken": first})
		if err == nil && a.status == 200 {
			err = errors.New("still within the grace")
		}
		if err == nil && a.text("code") != "TOKEN_REUSED" && a.text("code") != "TOKEN_REVOKED" {
			t.Errorf("a reused token is answered %v", a)
		}
		return err
	})
	fresh.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/users/me", nil)
	c.refused(401, "TOKEN_REVOKED", "POST", "/api/v1/auth/refresh", object{"refreshToken": pair.text("refreshToken")})
	c.refused(401, "TOKEN_INVALID", "POST", "/api/v1/auth/refresh", object{"refreshToken": "nobody knows this"})
	access := client{t: t, url: p.url, token: first}
	access.refused(401, "TOKEN_INVALID", "GET", "/api/v1/users/me", nil)
}

func parallelRefreshes(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	_, refresh := inBody(c)
	c.token = ""
	var mu sync.Mutex
	pairs := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := c.try("POST", "/api/v1/auth/refresh", object{"refreshToken": refresh})
			mu.Lock()
			defer mu.Unlock()
			pairs[fmt.Sprint(a.status, err, a.text("refreshToken"), a.text("accessToken"))]++
		})
	}
	wg.Wait()
	if len(pairs) != 1 {
		t.Errorf("answers: %v", pairs)
	}
}

func logout(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	access, refresh := inBody(c)
	c.token = access
	live := connect(c, "")
	nobody := client{t: t, url: p.url}
	nobody.call(204, "POST", "/api/v1/auth/logout", object{"refreshToken": refresh})
	c.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/users/me", nil)
	c.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/notifications", nil)
	nobody.refused(401, "TOKEN_REVOKED", "POST", "/api/v1/auth/refresh", object{"refreshToken": refresh})
	if code := live.closed(); code != 4401 {
		t.Errorf("the socket was closed with %d", code)
	}
}

func registration(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	nobody := client{t: t, url: p.url}
	nobody.refused(409, "USER_EXISTS", "POST", "/api/v1/auth/register", object{"email": strings.ToUpper(c.email), "password": password})
	for field, body := range map[string]object{
		"email":    {"email": "no address", "password": password},
		"password": {"email": "new@example.com", "password": "1234567"},
	} {
		a := nobody.refused(400, "VALIDATION_FAILED", "POST", "/api/v1/auth/register", body)
		if fields(a) != field || strings.Contains(a.raw, "1234567") {
			t.Errorf("%v is answered %v", body, a)
		}
	}
	nobody.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": "nobody@example.com", "password": password})
}

func guessing(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	nobody := client{t: t, url: p.url}
	for n := 1; ; n++ {
		a, err := nobody.try("POST", "/api/v1/auth/login", object{"email": c.email, "password": fmt.Sprint("wrong guess ", n)},
			"X-Forwarded-For", fmt.Sprintf("10.0.0.%d", n), "X-Real-IP", fmt.Sprintf("10.0.0.%d", n))
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusTooManyRequests {
			if a.text("code") != "RATE_LIMITED" || a.header.Get("Retry-After") == "" || n < 5 {
				t.Errorf("guess %d is answered %v with %v", n, a, a.header)
			}
			break
		}
		if a.text("code") != "INVALID_CREDENTIALS" || n > 50 {
			t.Fatalf("guess %d is answered %v", n, a)
		}
	}
	newPlayer(t, p.url) // others are not locked out
}

func admission(t *testing.T, p platform) {
	player := newPlayer(t, p.url)
	staff := newStaff(t, p.admin(t))
	url := "ws" + strings.TrimPrefix(p.url, "http") + "/notifications/ws"
	for name, tt := range map[string]struct {
		header http.Header
		want   int
	}{
		"nobody":              {http.Header{}, 401},
		"a token that is not": {http.Header{"Authorization": {"Bearer x"}}, 401},
		"an employee":         {http.Header{"Authorization": {"Bearer " + staff.token}}, 403},
		"a page from elsewhere": {
			http.Header{"Authorization": {"Bearer " + player.token}, "Origin": {"https://evil.example"}}, 403,
		},
		"a page of this host": {
			http.Header{"Authorization": {"Bearer " + player.token}, "Origin": {p.url}}, 101,
		},
	} {
		conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), url, tt.header)
		if response == nil {
			t.Fatalf("%s: %v", name, err)
		}
		response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("%s is answered %s", name, response.Status)
		}
		if conn != nil {
			conn.Close()
		}
	}
	dialer := websocket.Dialer{Subprotocols: []string{"loyalty.v1+proto", "bearer." + player.token}}
	conn, response, err := dialer.DialContext(t.Context(), url+"?since="+someID, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	response.Body.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	kind, frame, err := conn.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || conn.Subprotocol() != "loyalty.v1+proto" {
		t.Errorf("a binary socket speaks %q: kind %d, %q, %v", conn.Subprotocol(), kind, frame, err)
	}
}
