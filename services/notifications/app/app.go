// Package app assembles the notifications service. It contains no logic.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/openapi"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/rpc"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// Sockets configures the live connections.
type Sockets = websocket.Config

// DefaultSockets returns the configuration of live connections for production.
func DefaultSockets() Sockets { return websocket.DefaultConfig() }

// Config configures the service.
type Config struct {
	// Store stores the notifications.
	Store StoreConfig
	// Redis configures the connection to Redis. Redis stores the sessions and passes live frames between the replicas.
	Redis redis.Config
	// Bus carries the events.
	Bus event.Bus
	// Keys verify access tokens. A token must be issued by Issuer for Audience.
	Keys             accesstoken.KeySource
	Issuer, Audience string
	// TrustedProxies are the peers whose X-Real-IP and X-Forwarded-Proto are trusted.
	TrustedProxies []netip.Prefix
	// Reflection enables gRPC server reflection.
	Reflection bool
	// AccessLog selects the requests that are logged.
	AccessLog rpcserver.AccessLog
	// Tracer traces requests, events and calls. It is optional.
	Tracer *tracing.Tracer
	// Sockets configures the limits of live connections and the origins that may open them. Start from DefaultSockets.
	Sockets Sockets
}

func (c Config) validate() error {
	errs := []error{c.Store.validate()}
	for _, s := range []struct {
		name    string
		missing bool
	}{
		{"Bus", c.Bus == nil}, {"Keys", c.Keys == nil}, {"Issuer", c.Issuer == ""}, {"Audience", c.Audience == ""},
	} {
		if s.missing {
			errs = append(errs, fmt.Errorf("notifications: %s is not set", s.name))
		}
	}
	if err := c.Sockets.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("notifications: Sockets.%w", err))
	}
	return errors.Join(errs...)
}

// App is the running service.
type App struct {
	store   Store
	redis   *redis.Client
	metrics *metrics.Registry
	log     *slog.Logger
	bus     event.Bus
	service *notifications.Service
	channel *live.Channel
	hub     *websocket.Hub
	handler http.Handler
	schema  *migrate.Applied
	ready   *readiness.Monitor
	// subscription are the events that Run consumes.
	subscription event.Subscription
}

// New connects to the store and then to Redis. The caller closes the App. New returns a readiness.UnreachableError if one of
// them cannot be reached.
func New(ctx context.Context, c Config, log *slog.Logger) (_ *App, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	a := &App{bus: c.Bus, log: log, metrics: metrics.New("notifications")}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.store, err = OpenStore(ctx, c.Store, log); err != nil {
		return nil, err
	}
	if a.redis, err = redis.Open(ctx, c.Redis); err != nil {
		return nil, err
	}
	check := a.store.Ping
	if s, ok := a.store.(pooled); ok {
		if a.schema, err = migrate.NewApplied(ctx, s.pool, "notifications", atlas.Notifications, log); err != nil {
			return nil, err
		}
		check = a.schema.Check
	}
	a.ready = readiness.New("notifications", log,
		readiness.Check{Dependency: readiness.Database, Run: check},
		readiness.Check{Dependency: readiness.Redis, Run: func(ctx context.Context) error { return redis.Ping(ctx, a.redis) }},
		readiness.Check{Dependency: "LOYALTY_JWKS_URL", Run: c.Keys.Ready})
	sessions := sessionredis.NewStore(a.redis)
	verifier, err := accesstoken.NewVerifier(c.Issuer, c.Audience, c.Keys, sessions)
	if err != nil {
		return nil, err
	}
	a.channel = live.New(a.redis, log, c.Tracer)
	a.service = notifications.New(a.store, a.channel, time.Now)
	limits := c.Sockets
	limits.Tracer = c.Tracer
	a.hub = websocket.NewHub(limits, a.service, a.channel, sessions, log)
	a.measure()
	a.subscription.Tracer = c.Tracer
	sockets, err := websocket.NewHandler(a.hub, verifier)
	if err != nil {
		return nil, err
	}
	server, err := rpcserver.New(rpcserver.Config{
		Service: "notifications", Authenticator: verifier, Log: log, TrustedProxies: c.TrustedProxies, Ready: a.Ready,
		Started: a.schema.Err, Reflection: c.Reflection, Observer: a.metrics.Requests(), AccessLog: c.AccessLog, Tracer: c.Tracer,
		Answers: a.store.Answers(),
	})
	if err != nil {
		return nil, err
	}
	server.Mount(notificationsv1connect.NewNotificationServiceHandler(rpc.New(a.service), server.Options()...))
	server.Handle(websocket.Path, sockets)
	server.Handle("GET "+buildinfo.Path, buildinfo.Handler())
	server.Handle("/notifications/api-docs/", apidocs.New("notifications", openapi.FS, rpcserver.WriteProblem))
	server.Handle("GET /asyncapi.yaml", apidocs.AsyncAPI(openapi.FS, rpcserver.WriteProblem))
	a.handler, err = server.Handler()
	return a, err
}

// Handler serves the public API: REST under /api/v1, Connect and gRPC at the protobuf paths, and the live connections
// at /notifications/ws.
func (a *App) Handler() http.Handler { return a.handler }

// Run consumes events, serves the live connections and prunes the idempotency keys until ctx ends. Then it finishes the
// running event handler and closes the connections, so that the clients connect to another replica. It consumes events
// only after the migrations have been applied.
func (a *App) Run(ctx context.Context) error {
	g := lifecycle.New(ctx)
	g.Go("notifications live channel", func(ctx context.Context) error { return a.channel.Run(ctx, a.hub) })
	g.RunWith("notifications readiness", a.ready.Run)
	g.RunWith("notifications live connections", a.hub.Run) // closes connections while the consumer stops
	g.RunWith("notifications consumer of "+a.subscription.Topic, a.schema.Before(func(ctx context.Context) error {
		return a.bus.Subscribe(ctx, a.subscription)
	}))
	g.Go("notifications idempotency keys", a.schema.Before(func(ctx context.Context) error {
		return idempotency.RunPruning(ctx, a.store.Answers(), a.log)
	}))
	return g.Run()
}

// Ready returns an error if a dependency of the service is unavailable. The error names the dependency.
func (a *App) Ready(ctx context.Context) error { return a.ready.Check(ctx) }

// Sockets returns the number of live connections of this replica.
func (a *App) Sockets() int { return a.hub.Sockets() }

// closeTimeout limits how long Close waits for the store.
const closeTimeout = 5 * time.Second

// Close closes all connections to databases. It must be called once, after Run has returned.
func (a *App) Close() {
	if a.redis != nil {
		a.redis.Close()
	}
	if a.store != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = a.store.Close(ctx) // the process ends anyway
	}
}
