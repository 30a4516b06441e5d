package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// timeout is the time after which a test gives up waiting. It is long because the machine may be loaded; no test limits how
// long the platform may take.
const timeout = 60 * time.Second

// object is a JSON object.
type object = map[string]any

// answer is a response of the platform.
type answer struct {
	status int
	header http.Header
	body   object
	raw    string
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.raw) }

// text returns the string at a path such as "transaction.id", or an empty string.
func (a answer) text(path string) string { return text(a.body, path) }

// text returns the string at a path in o.
func text(o object, path string) string {
	var v any = o
	for name := range strings.SplitSeq(path, ".") {
		o, _ := v.(object)
		v = o[name]
	}
	s, _ := v.(string)
	return s
}

// list returns the array of objects with the given name.
func (a answer) list(name string) []object {
	items, _ := a.body[name].([]any)
	out := make([]object, 0, len(items))
	for _, item := range items {
		out = append(out, item.(object))
	}
	return out
}

// client calls the platform as a user, or without a token.
type client struct {
	t     *testing.T
	url   string
	token string
	id    string
	email string
}

// in returns a copy of the client that reports to another test.
func (c client) in(t *testing.T) client {
	c.t = t
	return c
}

const password = "correct horse battery"

// verbatim is a body that is sent unchanged. Other bodies are sent as JSON.
type verbatim string

// try sends a request. Headers are names and values; they replace the default ones, and a name may be repeated. The error is
// set if there is no response, or if its body is neither a JSON object nor CSV.
func (c client) try(method, path string, body any, headers ...string) (answer, error) {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		if as, ok := body.(verbatim); ok {
			encoded = []byte(as)
		}
		reader = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, reader)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Del(headers[i])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if len(raw) > 0 && !strings.HasPrefix(response.Header.Get("Content-Type"), "text/csv") {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			return a, fmt.Errorf("%s %s: status %d, the body is not a JSON object: %s", method, path, a.status, raw)
		}
	}
	return a, nil
}

// call sends a request and checks the status of the response.
func (c client) call(want int, method, path string, body any, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != want {
		c.t.Fatalf("%s %s: got %v, want status %d", method, path, a, want)
	}
	return a
}

// refused sends a request that must fail with the given status and code. It checks the form of the error.
func (c client) refused(want int, code, method, path string, body any, headers ...string) answer {
	c.t.Helper()
	a := c.call(want, method, path, body, headers...)
	if a.text("code") != code {
		c.t.Fatalf("%s %s: got %v, want code %s", method, path, a, code)
	}
	isProblem(c.t, a, path)
	if c.token != "" && strings.Contains(a.raw, c.token) || strings.Contains(a.raw, password) {
		c.t.Errorf("%s %s: the error contains a token or the password: %v", method, path, a)
	}
	return a
}

var serial atomic.Int64

// newPlayer registers a player and logs in.
func newPlayer(t *testing.T, url string) client {
	t.Helper()
	c := client{t: t, url: url, email: fmt.Sprintf("player-%d-%d@example.com", time.Now().UnixNano(), serial.Add(1))}
	c.id = c.call(201, "POST", "/api/v1/auth/register", object{"email": c.email, "password": password}).text("id")
	return c.login(password)
}

// login returns the client with a new access token.
func (c client) login(password string) client {
	c.t.Helper()
	c.token = ""
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": c.email, "password": password})
	c.token, c.id = a.text("accessToken"), a.text("user.id")
	return c
}

// newStaff registers an employee and logs in.
func newStaff(t *testing.T, admin client) client {
	t.Helper()
	c := client{t: t, url: admin.url, email: fmt.Sprintf("staff-%d-%d@example.com", time.Now().UnixNano(), serial.Add(1))}
	admin.call(201, "POST", "/api/v1/auth/register-staff", object{"email": c.email, "password": password})
	return c.login(password)
}

// newPromotion creates a promotion that is available today.
func newPromotion(staff client, kind, amount string) answer {
	staff.t.Helper()
	today := time.Now().UTC()
	return staff.call(201, "POST", "/api/v1/promotions", object{
		"title": "For " + kind, "description": "made by a test", "type": kind, "amount": amount,
		"startDate": today.AddDate(0, 0, -1).Format(time.DateOnly), "endDate": today.AddDate(0, 0, 1).Format(time.DateOnly),
	})
}

// assign assigns a promotion to players. It repeats the call until the promotions service knows all of the players.
func assign(staff client, promotion string, players ...client) {
	staff.t.Helper()
	ids := make([]string, len(players))
	for i, p := range players {
		ids[i] = p.id
	}
	eventually(staff.t, "promotion "+promotion+" is assigned to all players", func() error {
		a := staff.call(200, "POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": ids})
		for _, r := range a.list("results") {
			if o := text(r, "outcome"); o != "ASSIGNED" && o != "ALREADY_ASSIGNED" {
				return fmt.Errorf("%s is %s", text(r, "player_id"), o)
			}
		}
		return nil
	})
}

// eventually repeats check until it returns nil.
func eventually(t *testing.T, condition string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("timeout while waiting until %s: %v", condition, err)
		}
		<-pause.C
	}
}

// socket is a WebSocket of a player.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a WebSocket. If since is not empty, the WebSocket resumes after the notification with that id.
func connect(c client, since string) socket {
	c.t.Helper()
	url := "ws" + strings.TrimPrefix(c.url, "http") + "/notifications/ws"
	if since != "" {
		url += "?since=" + since
	}
	dialer := websocket.Dialer{Subprotocols: []string{"loyalty.v1", "bearer." + c.token}, HandshakeTimeout: timeout}
	conn, response, err := dialer.DialContext(c.t.Context(), url, nil)
	if err != nil {
		c.t.Fatalf("open a WebSocket for %s: %v (%+v)", c.email, err, response)
	}
	if got := conn.Subprotocol(); got != "loyalty.v1" {
		c.t.Fatalf("the subprotocol is %q, want loyalty.v1", got)
	}
	c.t.Cleanup(func() { conn.Close() })
	return socket{c.t, conn}
}

// frame reads the next frame.
func (s socket) frame() object {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		s.t.Fatal(err)
	}
	var frame object
	if err := s.conn.ReadJSON(&frame); err != nil {
		s.t.Fatalf("read a frame: %v", err)
	}
	return frame
}

// closed waits until the platform closes the WebSocket, and returns the close code.
func (s socket) closed() int {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		s.t.Fatal(err)
	}
	for {
		_, _, err := s.conn.ReadMessage()
		var e *websocket.CloseError
		if ok := asClose(err, &e); ok {
			return e.Code
		}
		if err != nil {
			s.t.Fatalf("the WebSocket ended without a close frame: %v", err)
		}
	}
}

func asClose(err error, target **websocket.CloseError) bool {
	e, ok := err.(*websocket.CloseError) //nolint:errorlint // gorilla does not wrap it
	if ok {
		*target = e
	}
	return ok
}
