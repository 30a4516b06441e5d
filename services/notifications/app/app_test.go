package app_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/notifications/app"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo/mongotest"
)

const (
	// waitTimeout is the maximum time that a test waits for a condition.
	waitTimeout          = 30 * time.Second
	issuerName, audience = "test-issuer", "test-audience"
)

// world contains what the replicas of the service share: Redis, the bus and the token key.
type world struct {
	config   app.Config
	brokers  []string
	bus      event.Bus
	sessions *sessionredis.Store
	issuer   *accesstoken.Issuer
	log      *slog.Logger
}

// eachStore runs a test with each kind of store.
func eachStore(t *testing.T, test func(t *testing.T, w *world)) {
	for kind, url := range map[app.Kind]func(testing.TB) string{
		app.MongoDB: mongotest.Start,
		app.PostgreSQL: func(t testing.TB) string {
			_, role := postgrestest.URLsWithRole(t, atlas.Notifications, dbrole.Of("notifications"))
			return role
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			test(t, newWorld(t, app.StoreConfig{Kind: kind, URL: url(t)}))
		})
	}
}

func newWorld(t *testing.T, store app.StoreConfig) *world {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := accesstoken.NewIssuer(private, issuerName, audience)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	server := redistest.Start(t)
	w := &world{
		brokers:  cluster.ListenAddrs(),
		sessions: sessionredis.NewStore(server.Open(t), sessionredis.Key("key")), issuer: issuer, log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	w.bus = w.connect(t)
	if err := w.bus.EnsureTopics(t.Context(), 3, 3, notificationsv1event.Topics()...); err != nil {
		t.Fatal(err)
	}
	w.config = app.Config{
		Store: store, Redis: redis.Config{Address: server.Address}, Keys: accesstoken.NewStaticKeys(public),
		Issuer: issuerName, Audience: audience, Sockets: app.DefaultSockets(),
	}
	return w
}

// connect returns a new client of the bus. Each replica has its own.
func (w *world) connect(t *testing.T) event.Bus {
	t.Helper()
	bus, err := kafka.New(t.Context(), kafka.Config{Brokers: w.brokers, ClientID: "test"}, w.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// start runs a replica until the test ends and returns its URL.
func (w *world) start(t *testing.T) string {
	t.Helper()
	config := w.config
	config.Bus = w.connect(t)
	a, err := app.New(t.Context(), config, w.log)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := a.Sockets(); n != 0 {
			t.Errorf("after Run: %d open connections, want 0", n)
		}
		server.Close()
		a.Close()
	})
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server.URL
}

// login creates a session of the user and returns an access token of the session.
func (w *world) login(t *testing.T, user uuid.UUID, role authn.Role) string {
	t.Helper()
	s, _, err := w.sessions.Create(t.Context(), session.Session{
		User: user, Role: role, In: session.InBody, Ends: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := w.issuer.Issue(authn.Grant{User: user, Role: role, Session: s.ID, End: s.Ends})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// mongoWorld returns a world for tests that do not depend on the kind of store.
func mongoWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, app.StoreConfig{Kind: app.MongoDB, URL: mongotest.Start(t)})
}

func TestInvalidConfig(t *testing.T) {
	w := newWorld(t, app.StoreConfig{Kind: app.MongoDB, URL: "mongodb://user:s3cret@127.0.0.1:1/"})
	w.config.Bus = w.bus
	for name, tt := range map[string]struct {
		change func(*app.Config)
		want   string
	}{
		"kind":     {func(c *app.Config) { c.Store.Kind = "oracle" }, "Store.Kind"},
		"url":      {func(c *app.Config) { c.Store.URL = "" }, "Store.URL"},
		"bus":      {func(c *app.Config) { c.Bus = nil }, "Bus"},
		"keys":     {func(c *app.Config) { c.Keys = nil }, "Keys"},
		"issuer":   {func(c *app.Config) { c.Issuer = "" }, "Issuer"},
		"audience": {func(c *app.Config) { c.Audience = "" }, "Audience"},
		"sockets":  {func(c *app.Config) { c.Sockets.PingInterval = 0 }, "Sockets.PingInterval"},
		"origins":  {func(c *app.Config) { c.Sockets.Origins = []string{"nonsense"} }, "Sockets.Origins"},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.config
			tt.change(&config)
			_, err := app.New(t.Context(), config, w.log)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: %v, want an error that names %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error contains the password: %v", err)
			}
		})
	}
}
