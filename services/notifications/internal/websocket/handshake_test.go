package websocket_test

import (
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// sign returns an access token of a session. The token expires at the given time.
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

// handshakeHeader returns the headers of a valid handshake, without a token if token is empty.
func handshakeHeader(token string) http.Header {
	h := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// handshakeRequest is a handshake whose headers a WebSocket client library would not send.
type handshakeRequest struct {
	method string // GET if empty
	query  string // without the question mark
	host   string // the server's address if empty
	header http.Header
}

// handshake sends a handshake and returns the response. The connection is closed when the test ends.
func (r *replica) handshake(t *testing.T, h handshakeRequest) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), h.method, r.url+websocket.Path+"?"+h.query, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host, request.Header = h.host, h.header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestHandshakeRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	good, session := w.login(t, player, authn.RolePlayer)
	staff, _ := w.login(t, uuid.New(), authn.RoleStaff)
	admin, _ := w.login(t, uuid.New(), authn.RoleAdmin)
	ended, endedSession := w.login(t, player, authn.RolePlayer)
	if _, err := w.sessions.EndSession(t.Context(), endedSession.User, endedSession.ID); err != nil {
		t.Fatal(err)
	}
	expired := w.sign(t, player, session.ID, time.Now().Add(-time.Minute))
	for name, tt := range map[string]struct {
		method, token string
		change        func(http.Header)
		status        int
		code          string
	}{
		"no token":        {token: "", status: 401, code: "TOKEN_MISSING"},
		"malformed token": {token: "garbage", status: 401, code: "TOKEN_INVALID"},
		"expired":         {token: expired, status: 401, code: "TOKEN_EXPIRED"},
		"logged out":      {token: ended, status: 401, code: "TOKEN_REVOKED"},
		"staff":           {token: staff, status: 403, code: "FORBIDDEN"},
		"admin":           {token: admin, status: 403, code: "FORBIDDEN"},
		"wrong method":    {token: good, method: "POST", status: 405, code: "METHOD_NOT_ALLOWED"},
		"foreign page":    {token: good, change: set("Origin", "https://evil.example"), status: 403, code: "FORBIDDEN"},
		"opaque page":     {token: good, change: set("Origin", "null"), status: 403, code: "FORBIDDEN"},
		"no upgrade":      {token: good, change: without("Upgrade"), status: 400, code: "VALIDATION_FAILED"},
		"wrong version":   {token: good, change: set("Sec-WebSocket-Version", "8"), status: 400, code: "VALIDATION_FAILED"},
		"no key":          {token: good, change: without("Sec-WebSocket-Key"), status: 400, code: "VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			header := handshakeHeader(tt.token)
			if tt.change != nil {
				tt.change(header)
			}
			response := r.handshake(t, handshakeRequest{method: tt.method, header: header})
			var problem struct{ Code string }
			if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
				t.Fatalf("status %d: %v", response.StatusCode, err)
			}
			if response.StatusCode != tt.status || problem.Code != tt.code {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, problem.Code, tt.status, tt.code)
			}
			if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q, want application/problem+json", got)
			}
			if got := response.Header.Get("Sec-WebSocket-Version"); name == "wrong version" && got != "13" {
				t.Errorf("Sec-WebSocket-Version %q, want 13", got)
			}
			if (response.StatusCode == 401) != (response.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("status %d: WWW-Authenticate %q, want it only with 401", response.StatusCode, response.Header.Get("WWW-Authenticate"))
			}
		})
	}
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("the hub has %d sockets after refused handshakes, want 0", n)
	}
}

// The AsyncAPI document contains the description of the socket from the schema.
func TestHandshakeErrorsAreDocumented(t *testing.T) {
	options := (&notificationsv1.Frame{}).ProtoReflect().Descriptor().Options()
	description := proto.GetExtension(options, optionsv1.E_Socket).(*optionsv1.Socket).GetDescription()
	for _, text := range []string{
		"401 TOKEN_MISSING", "TOKEN_EXPIRED", "TOKEN_REVOKED", "TOKEN_INVALID", "403 FORBIDDEN", "400 VALIDATION_FAILED",
		"405 METHOD_NOT_ALLOWED", "429 RATE_LIMITED", "503 DEPENDENCY_UNAVAILABLE", "Retry-After", "4401", "1013", "1008", "1001",
	} {
		if !strings.Contains(strings.ReplaceAll(description, "\n", " "), text) {
			t.Errorf("the description of the socket does not mention %s", text)
		}
	}
}

func TestQuery(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	for name, tt := range map[string]struct {
		query   string
		status  int
		unknown []string
	}{
		"unknown parameter":              {"from=1", 400, []string{"from"}},
		"two unknown parameters":         {"to=2&since=x&from=1", 400, []string{"from", "to"}},
		"semicolon in an unknown name":   {"since=x&a;b=1", 400, []string{"a;b"}},
		"escaped name":                   {"%66rom=1", 400, []string{"from"}},
		"incomplete escape in a name":    {"%6=1", 400, []string{"%6"}},
		"semicolon in the value":         {"since=Spin;Win", 101, nil},
		"semicolon is not a separator":   {"since=x;from=1", 101, nil},
		"incomplete escape in the value": {"since=100%", 101, nil},
		"empty parameters":               {"&&since=x&", 101, nil},
	} {
		t.Run(name, func(t *testing.T) {
			response := r.handshake(t, handshakeRequest{query: tt.query, header: handshakeHeader(token)})
			if response.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", response.StatusCode, tt.status)
			}
			if tt.status == http.StatusSwitchingProtocols {
				return
			}
			var problem struct {
				Violations []struct{ Field, Rule string }
			}
			if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
				t.Fatal(err)
			}
			var fields []string
			for _, v := range problem.Violations {
				fields = append(fields, v.Field)
				if v.Rule != "query" {
					t.Errorf("%s violates the rule %q, want query", v.Field, v.Rule)
				}
			}
			if !slices.Equal(fields, tt.unknown) {
				t.Errorf("got violations of %q, want %q", fields, tt.unknown)
			}
		})
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
		t.Errorf("got subprotocols %q, want only loyalty.v1", got)
	}
	for name, values := range response.Header {
		if strings.Contains(strings.Join(values, " "), token) {
			t.Errorf("the response header %s contains the token", name)
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
		"configured":                 {[]string{"https://a.example", "https://b.example"}, "https://B.example", 101},
		"another port":               {[]string{"https://a.example"}, "https://a.example:8443", 403},
		"another scheme":             {[]string{"https://a.example"}, "http://a.example", 403},
		"longer name":                {[]string{"https://a.example"}, "https://a.example.evil.example", 403},
		"any origin":                 {[]string{"*"}, "https://evil.example", 101},
		"no origin":                  {[]string{"https://a.example"}, "", 101},
		"same host, none configured": {nil, "self", 101},
		"same host, not configured":  {[]string{"https://a.example"}, "self", 403},
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
		"PingInterval":    func(c *websocket.Config) { c.PingInterval = 0 },
		"RecheckInterval": func(c *websocket.Config) { c.RecheckInterval = -1 },
		"QueueLength":     func(c *websocket.Config) { c.QueueLength = 0 },
		"Origins":         func(c *websocket.Config) { c.Origins = []string{"casino.example/path"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := websocket.DefaultConfig()
			if err := c.Validate(); err != nil {
				t.Fatalf("the default configuration is invalid: %v", err)
			}
			change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error that names %s", err, name)
			}
		})
	}
}

func TestConnectionLimits(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.MaxSocketsPerPlayer, c.MaxSockets = 2, 3 })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	other, _ := w.login(t, uuid.New(), authn.RolePlayer)
	first := r.connect(t, token, "")
	r.connect(t, token, "")
	r.expectRefused(t, token, http.StatusTooManyRequests) // the player's third connection
	r.connect(t, other, "")
	r.expectRefused(t, other, http.StatusServiceUnavailable) // the replica's fourth connection
	if err := first.conn.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "the first connection to be released", func() bool { return r.hub.Sockets() == 2 })
	r.connect(t, token, "")
}

// expectRefused checks that a handshake is refused with the status, 429 or 503, and a Retry-After header.
func (r *replica) expectRefused(t *testing.T, token string, status int) {
	t.Helper()
	expectRetryAfter(t, r.handshake(t, handshakeRequest{header: handshakeHeader(token)}), status)
}

// refusedHandshake performs a handshake that must be refused and returns the response. If there is no response or the
// handshake is accepted, it reports an error and returns nil. Any goroutine may call it.
func (r *replica) refusedHandshake(t *testing.T, token, query string) *http.Response {
	t.Helper()
	conn, response, err := dialer.DialContext(t.Context(), r.address(query), http.Header{"Authorization": {"Bearer " + token}})
	switch {
	case err == nil:
		t.Error("the handshake was accepted, want a refusal")
		_ = conn.Close()
		return nil
	case response == nil:
		t.Errorf("handshake: %v", err)
	}
	return response
}

// expectRetryAfter checks the status of a response and that its Retry-After header is an integer of at least 1.
func expectRetryAfter(t *testing.T, response *http.Response, status int) {
	t.Helper()
	if response.StatusCode != status {
		t.Errorf("status %d, want %d", response.StatusCode, status)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("status %d with Retry-After %q, want an integer of at least 1", response.StatusCode, response.Header.Get("Retry-After"))
	}
}

// The lines of a list-valued header are parsed as one list. Spaces and empty elements are ignored.
func TestListValuedHeaders(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	bearer := "bearer." + token
	const connection, upgrade, version, protocol = "Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Protocol"
	for name, tt := range map[string]struct {
		header   http.Header
		status   int
		protocol string
	}{
		"protocol, then token":          {http.Header{protocol: {"loyalty.v1", bearer}}, 101, "loyalty.v1"},
		"token, then protocol":          {http.Header{protocol: {bearer, "loyalty.v1"}}, 101, "loyalty.v1"},
		"one line":                      {http.Header{protocol: {bearer + ",loyalty.v1"}}, 101, "loyalty.v1"},
		"three lines, unknown first":    {http.Header{protocol: {"x", bearer, "loyalty.v1+proto"}}, 101, "loyalty.v1+proto"},
		"empty elements and spaces":     {http.Header{protocol: {" ,, " + bearer + " ,", "\t loyalty.v1\t,"}}, 101, "loyalty.v1"},
		"empty line first":              {http.Header{protocol: {"", "loyalty.v1," + bearer}}, 101, "loyalty.v1"},
		"token alone":                   {http.Header{protocol: {bearer}}, 101, ""},
		"no token":                      {http.Header{protocol: {"loyalty.v1", "loyalty.v1+proto"}}, 401, ""},
		"empty token":                   {http.Header{protocol: {"loyalty.v1", "bearer."}}, 401, ""},
		"connection in two lines":       {http.Header{connection: {"keep-alive", "Upgrade"}, protocol: {bearer}}, 101, ""},
		"connection with empty element": {http.Header{connection: {", ,uPGRADE,"}, protocol: {bearer}}, 101, ""},
		"upgrade in two lines":          {http.Header{upgrade: {"h2c", "WebSocket"}, protocol: {bearer}}, 101, ""},
		"upgrade with empty element":    {http.Header{upgrade: {",websocket"}, protocol: {bearer}}, 101, ""},
		"version in two lines":          {http.Header{version: {"8", ",13"}, protocol: {bearer}}, 101, ""},
		"connection without upgrade":    {http.Header{connection: {"keep-alive", ","}, protocol: {bearer}}, 400, ""},
		"upgrade to something else":     {http.Header{upgrade: {"h2c", "websockets"}, protocol: {bearer}}, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			header := handshakeHeader("")
			maps.Copy(header, tt.header)
			response := r.handshake(t, handshakeRequest{header: header})
			if response.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", response.StatusCode, tt.status)
			}
			if got := strings.Join(response.Header.Values(protocol), "|"); got != tt.protocol {
				t.Errorf("subprotocol %q, want %q", got, tt.protocol)
			}
		})
	}
}

func TestOriginWithDefaultPort(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	for name, tt := range map[string]struct {
		host, origin string
		status       int
	}{
		"port 443 and https":     {"casino.example:443", "https://casino.example", 101},
		"port 80 and http":       {"casino.example:80", "http://casino.example", 101},
		"port 443 and http":      {"casino.example:443", "http://casino.example", 403},
		"port 80 and https":      {"casino.example:80", "https://casino.example", 403},
		"another port":           {"casino.example:8443", "https://casino.example", 403},
		"another host, port 443": {"casino.example:443", "https://evil.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			header := handshakeHeader(token)
			header.Set("Origin", tt.origin)
			if got := r.handshake(t, handshakeRequest{host: tt.host, header: header}).StatusCode; got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
		})
	}
}
