package app_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

const (
	internalToken = "the internal token of the tests"
	adminEmail    = "admin@example.com"
	secret        = "correct horse"
)

// service is the running service with PostgreSQL, Redis and a Kafka fake.
type service struct {
	*testing.T
	app    *app.App
	url    string
	config app.Config
	pool   *pgxpool.Pool
	bus    event.Bus
}

// start starts the service with an admin and stops it at the end of the test.
func start(t *testing.T) *service {
	t.Helper()
	owner, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	return startOn(t, owner, role, redistest.Start(t).Address)
}

// startOn is start with the given migrated database and the given Redis. The service connects with the URL role.
func startOn(t *testing.T, owner, role, redisAddress string) *service {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ledgerKey, err := ledgerchain.ParseKey(ledgerchain.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &service{T: t, bus: openBus(t)}
	s.config = app.Config{
		DatabaseURL: role, Redis: redis.Config{Address: redisAddress}, Bus: s.bus,
		PrivateKey: key, LedgerKey: ledgerKey, Issuer: "issuer", Audience: "audience",
		InternalListen: "127.0.0.1:0", InternalToken: internalToken,
		Limits: app.DefaultLimits(), SessionLifetime: app.DefaultSessionLifetime, Password: password.Params{Memory: 64, Passes: 1, Threads: 1},
		SecondFactor: app.DefaultSecondFactor(), AuditRetention: app.DefaultAuditRetention(),
	}
	if s.pool, err = postgres.Open(t.Context(), owner, postgres.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if s.app, err = app.New(t.Context(), s.config, log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.app.Run(ctx) }()
	server := httptest.NewServer(s.app.Handler())
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("the service stopped: %v", err)
		}
		s.app.Close()
	})
	s.url = server.URL
	if outcome, err := s.app.EnsureAdmin(t.Context(), adminEmail, secret, false); err != nil || outcome != app.AdminCreated {
		t.Fatalf("EnsureAdmin returned outcome %d, %v; want %d", outcome, err, app.AdminCreated)
	}
	return s
}

// openBus returns a bus on a Kafka fake with the topics of the service.
func openBus(t *testing.T) event.Bus {
	t.Helper()
	brokers, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	config := kafka.Config{Brokers: brokers.ListenAddrs(), ClientID: "test"}
	bus, err := kafka.New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	if err := bus.EnsureTopics(t.Context(), 2, 1, usersv1event.Topics()...); err != nil {
		t.Fatal(err)
	}
	return bus
}

// object is a JSON object of a request or a response.
type object = map[string]any

// credentials returns the body of a registration or a login.
func credentials(email, password string) object { return object{"email": email, "password": password} }

// response is a response of the service. The body is decoded.
type response struct {
	status int
	header http.Header
	body   object
	cookie *http.Cookie
}

// call sends a request to a path under /api/v1. The headers are names and values.
func (s *service) call(method, path string, body object, header ...string) response {
	s.Helper()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+"/api/v1"+path, content)
	if err != nil {
		s.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return s.do(req)
}

// do sends a request and returns the response.
func (s *service) do(req *http.Request) response {
	s.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := response{status: resp.StatusCode, header: resp.Header}
	b, err := io.ReadAll(resp.Body)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &a.body)
	}
	if err != nil {
		s.Fatalf("%s %s: %v in %q", req.Method, req.URL.Path, err, b)
	}
	for _, c := range resp.Cookies() {
		if c.Name == "__Secure-refresh_token" {
			a.cookie = c
		}
	}
	return a
}

// want checks the status and the error code of a response. The code is "" for a success.
func (s *service) want(a response, status int, code string) response {
	s.Helper()
	got, _ := a.body["code"].(string)
	if a.status != status || got != code {
		s.Fatalf("got status %d, body %v; want %d %s", a.status, a.body, status, code)
	}
	return a
}

// register registers a player and returns the id.
func (s *service) register(email string) (id string) {
	s.Helper()
	a := s.want(s.call("POST", "/auth/register", credentials(email, secret)), http.StatusCreated, "")
	id, _ = a.body["id"].(string)
	return id
}

// login logs in and returns the value of the Authorization header and the refresh token.
func (s *service) login(email string) (bearer, refresh string) {
	s.Helper()
	body := credentials(email, secret)
	body["refreshTokenIn"] = "BODY"
	a := s.want(s.call("POST", "/auth/login", body), http.StatusOK, "")
	access, _ := a.body["accessToken"].(string)
	refresh, _ = a.body["refreshToken"].(string)
	return "Bearer " + access, refresh
}

// eventually waits until check returns true.
func (s *service) eventually(condition string, check func() bool) {
	s.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(20 * time.Second)
	for !check() {
		select {
		case <-tick.C:
		case <-timeout:
			s.Fatalf("timeout while waiting until %s", condition)
		}
	}
}
