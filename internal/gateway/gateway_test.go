package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gorilla/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/reflectiontest"
)

const document = `openapi: 3.1.0
info: {title: Users, version: "1"}
paths:
  /b:
    get: {responses: {200: {description: fine}}}
  /a: {}
`

// service is a fake service. Its response contains its name and the headers that it received.
func service(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for header, values := range r.Header {
			w.Header()["Got-"+header] = values
		}
		w.Header().Set("Service", name)
		io.WriteString(w, r.URL.Path)
	})
}

func ready(context.Context) error { return nil }

func services() gateway.Services {
	return gateway.Services{
		Users: service("users"), Promotions: service("promotions"), Notifications: service("notifications"),
		Ready: map[string]func(context.Context) error{"users": ready, "promotions": ready, "notifications": ready},
	}
}

func start(t *testing.T, s gateway.Services) string {
	t.Helper()
	docs := fstest.MapFS{
		"users.openapi.yaml": {Data: []byte(document)}, "asyncapi.yaml": {Data: []byte("asyncapi: 3.0.0\n")},
	}
	server := httptest.NewServer(gateway.New(s, gateway.Options{Docs: docs}))
	t.Cleanup(server.Close)
	return server.URL
}

// ask sends a request. The HTTP client sends path as it is, without cleaning or escaping it.
func ask(t *testing.T, base, method, path string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	maps.Copy(r.Header, header)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestRoutes(t *testing.T) {
	const none = ""
	for path, want := range map[string]string{
		"/api/v1/auth/register":                                       "users",
		"/api/v1/auth/":                                               "users",
		"/api/v1/auth":                                                none,
		"/api/v1/users":                                               "users",
		"/api/v1/users/me/transactions":                               "users",
		"/api/v1/users/1/restrictions":                                "users",
		"/api/v1/users/1/restrictions/refusals":                       "promotions",
		"/api/v1/users/1/restrictions/refusals/":                      "promotions",
		"/api/v1/users/1/restrictions/refusalsx":                      "users",
		"/api/v1/users/restrictions/refusals":                         "users",
		"/api/v1/users/1%2F2/restrictions/refusals":                   "promotions",
		"/api/v1/users/1/restrictions/refusals/x":                     "users",
		"/api/v1/usersx":                                              none,
		"/.well-known/jwks.json":                                      "users",
		"/.well-known/jwks.json/x":                                    none,
		"/.well-known/openid-configuration":                           none,
		"/api/v1/promotions":                                          "promotions",
		"/api/v1/promotions/1/assign":                                 "promotions",
		"/api/v1/notifications":                                       "notifications",
		"/api/v1/notifications/read":                                  "notifications",
		"/notifications/ws":                                           "notifications",
		"/notifications/ws/x":                                         none,
		"/notifications":                                              none,
		"/api/v2/users":                                               none,
		"/api/v1":                                                     none,
		"/":                                                           none,
		"/users/internal":                                             none,
		"/metrics":                                                    none,
		"/debug/pprof/":                                               none,
		"/loyalty.users.v1.AuthService/Login":                         "users",
		"/loyalty.users.v1.UserService/GetMe":                         "users",
		"/loyalty.users.v1.UserServiceX/GetMe":                        none,
		"/loyalty.promotions.v1.PromotionService/Claim":               "promotions",
		"/loyalty.notifications.v1.NotificationService/MarkRead":      "notifications",
		"/loyalty.users.v1.LedgerService/AddTransaction":              none,
		"/loyalty.users.v1.LedgerService%2FAddTransaction":            none,
		"/loyalty.users.v1.%4cedgerService/AddTransaction":            none,
		"/api/v1/users/../../loyalty.users.v1.LedgerService/Add":      none,
		"/api/v1/users/%2e%2e/%2e%2e/loyalty.users.v1.LedgerService/": none,
		"/api/v1/users//me":                                           none,
		"//api/v1/users":                                              none,
		"/api/v1/users/./me":                                          none,
		"/api/v1/users/x%2F..%2Fy":                                    none,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":   none,
	} {
		t.Run(path, func(t *testing.T) {
			resp, body := ask(t, start(t, services()), "POST", path, nil)
			if got := resp.Header.Get("Service"); got != want {
				t.Fatalf("the request went to the service %q, want %q", got, want)
			}
			if want == none {
				checkProblem(t, resp, body, http.StatusNotFound, "NOT_FOUND")
			}
		})
	}
}

// checkProblem checks a problem document of the gateway.
func checkProblem(t *testing.T, resp *http.Response, body string, status int, code string) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	if resp.StatusCode != status || got["status"] != float64(status) || got["code"] != code {
		t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, status, code)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q, want application/problem+json", ct)
	}
	if got["type"] != "urn:loyalty:error:"+code {
		t.Errorf("type is %v, want urn:loyalty:error:%s", got["type"], code)
	}
	for _, member := range []string{"title", "detail", "instance", "requestId"} {
		if s, ok := got[member].(string); !ok || s == "" {
			t.Errorf("%s is %v, want a text", member, got[member])
		}
	}
	if got["requestId"] != resp.Header.Get("X-Request-Id") {
		t.Errorf("requestId is %v, want the header X-Request-Id %q", got["requestId"], resp.Header.Get("X-Request-Id"))
	}
}

func TestServiceIsUnavailableBeforeItStarts(t *testing.T) {
	s := services()
	s.Promotions, s.Notifications = nil, nil
	base := start(t, s)
	for _, path := range []string{"/api/v1/promotions", "/notifications/ws"} {
		resp, body := ask(t, base, "GET", path, nil)
		checkProblem(t, resp, body, http.StatusServiceUnavailable, "DEPENDENCY_UNAVAILABLE")
	}
}

func TestHealth(t *testing.T) {
	s := services()
	failure := errors.New("postgres://user:secret@host is down")
	s.Ready["promotions"] = func(context.Context) error { return failure }
	base := start(t, s)
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/health/users", 200, `{"status":"ok","services":{"users":"ok"}}`},
		{"HEAD", "/health/users", 200, ``},
		{"HEAD", "/health/promotions", 503, ``},
		{"GET", "/health/live", 200, `{"status":"ok"}`},
		{"HEAD", "/health/live", 200, ``},
	} {
		resp, body := ask(t, base, tt.method, tt.path, nil)
		if resp.StatusCode != tt.status || strings.TrimSpace(body) != tt.body {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, resp.StatusCode, body, tt.status, tt.body)
		}
	}
	for path, states := range map[string]string{
		"/health": "notifications: ok, promotions: unavailable, users: ok", "/health/promotions": "promotions: unavailable",
	} {
		resp, body := ask(t, base, "GET", path, nil)
		checkProblem(t, resp, body, http.StatusServiceUnavailable, "DEPENDENCY_UNAVAILABLE")
		if !strings.Contains(body, `"detail":"`+states+`"`) || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: got %s with Retry-After %q, want the detail %q and 1", path, body, resp.Header.Get("Retry-After"), states)
		}
	}
	failure = nil
	if resp, body := ask(t, base, "GET", "/health", nil); resp.StatusCode != 200 || !strings.Contains(body, `"status":"ok"`) {
		t.Errorf("all services ready: got %d %s, want 200 ok", resp.StatusCode, body)
	}
	resp, body := ask(t, base, "POST", "/health", nil)
	checkProblem(t, resp, body, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	resp, body = ask(t, base, "GET", "/health/casino", nil)
	checkProblem(t, resp, body, http.StatusNotFound, "NOT_FOUND")
}

func TestWebSocket(t *testing.T) {
	s := services()
	s.Notifications = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
			t.Error(err)
		}
	})
	url := "ws" + strings.TrimPrefix(start(t, s), "http") + "/notifications/ws"
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, message, err := conn.ReadMessage(); err != nil || string(message) != "hello" {
		t.Errorf("got %q, %v; want hello", message, err)
	}
}

func TestServerSupportsUnencryptedHTTP2(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := gateway.NewServer(gateway.New(services(), gateway.Options{}), slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	for _, http2 := range []bool{false, true} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetUnencryptedHTTP2(http2)
		client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
		resp, err := client.Get("http://" + listener.Addr().String() + "/health")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || (resp.ProtoMajor == 2) != http2 {
			t.Errorf("got %d over %s, want HTTP/2 to be %v", resp.StatusCode, resp.Proto, http2)
		}
		client.CloseIdleConnections()
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestNotFoundIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := gateway.New(services(), gateway.Options{
		Index: http.NotFoundHandler(), Log: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	for _, path := range []string{"/nowhere/at/all?token=secret", "/notifications/ws/x?token=secret", "/users//?token=secret"} {
		log.Reset()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("X-Request-Id", "request-of-the-log")
		h.ServeHTTP(httptest.NewRecorder(), r)
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%s: the log is %q: %v", path, log.String(), err)
		}
		want, _, _ := strings.Cut(path, "?")
		if line["path"] != want || line["code"] != "NOT_FOUND" || line["request_id"] != "request-of-the-log" {
			t.Errorf("%s: the log line is %v, want the path, NOT_FOUND and the request id", path, line)
		}
		if _, ok := line["duration_ms"].(float64); !ok || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the log line is %v, want a duration and no secret", path, line)
		}
	}
}

func TestReflection(t *testing.T) {
	s := services()
	for enabled, want := range map[bool]codes.Code{false: codes.Unimplemented, true: codes.OK} {
		server := gateway.NewServer(gateway.New(s, gateway.Options{Reflection: enabled}), slog.New(slog.DiscardHandler))
		address, _ := serve(t, server)
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		names, err := reflectiontest.Services(t.Context(), conn)
		if status.Code(err) != want {
			t.Errorf("with reflection %v: got %v, want %v", enabled, err, want)
		}
		_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: "loyalty.users.v1.AuthService"})
		if status.Code(err) != want {
			t.Errorf("with reflection %v: health returned %v, want %v", enabled, err, want)
		}
		wantNames := []string{
			"grpc.health.v1.Health", "loyalty.notifications.v1.NotificationService", "loyalty.promotions.v1.AnomalyService", "loyalty.promotions.v1.AssignmentJobService",
			"loyalty.promotions.v1.PromotionService", "loyalty.users.v1.AuditService", "loyalty.users.v1.AuthService",
			"loyalty.users.v1.RestrictionService", "loyalty.users.v1.UserService",
		}
		ledger, err := reflectiontest.Describes(t.Context(), conn, "loyalty.users.v1.LedgerService")
		if enabled && (ledger || err != nil) {
			t.Errorf("LedgerService: described %t, %v, want it unknown", ledger, err)
		}
		if enabled && !slices.Equal(names, wantNames) {
			t.Errorf("the services are %v, want %v", names, wantNames)
		}
		if enabled {
			resp, body := ask(t, "http://"+address, "POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", nil)
			checkProblem(t, resp, body, http.StatusNotFound, "NOT_FOUND")
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
