// Package app wires the promotions service. It contains no business logic.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/inbox"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/ratelimit/ratelimitredis"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/openapi"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/alert"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/consumer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/directory"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/ledger"
	store "github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/rpc"
)

// Config is the configuration of the service. All fields but LedgerTLS, TrustedProxies, Reflection, AccessLog
// and Tracer are required.
type Config struct {
	// DatabaseURL is the service's own, migrated PostgreSQL database.
	DatabaseURL string
	// Redis stores the sessions, which the users service writes, and the limits of wrong codes.
	Redis redis.Config
	// Bus carries the events.
	Bus event.Bus
	// Keys verify access tokens. A token must have the given Issuer and Audience.
	Keys             accesstoken.KeySource
	Issuer, Audience string
	// LedgerAddress is the address of the internal listeners of the users service; see [rpcserver.DialConfig]. InternalToken
	// authenticates the calls to LedgerAddress.
	LedgerAddress, InternalToken string
	// LedgerTLS enables mutual TLS for the calls to LedgerAddress.
	LedgerTLS rpcserver.TLSFiles
	// TrustedProxies are the networks of trusted proxies. Their X-Real-IP header determines the client's address.
	TrustedProxies []netip.Prefix
	// Reflection enables gRPC server reflection.
	Reflection bool
	// Anomalies are the limits of the rules that find anomalies. Start with DefaultAnomalyRules.
	Anomalies AnomalyRules
	// AccessLog selects the requests that are logged.
	AccessLog rpcserver.AccessLog
	// Tracer traces requests, events and calls. It is optional.
	Tracer *tracing.Tracer
}

// AnomalyRules are the limits of the rules that find anomalies; see [promotions.AnomalyRules].
type AnomalyRules = promotions.AnomalyRules

// ClaimRateRule is the rule about the claim rate of a promotion; see [promotions.ClaimRateRule].
type ClaimRateRule = promotions.ClaimRateRule

// MinEarlierWindows is the minimum of ClaimRateRule.History; see [promotions.MinEarlierWindows].
const MinEarlierWindows = promotions.MinEarlierWindows

// DefaultAnomalyRules returns the default limits.
func DefaultAnomalyRules() AnomalyRules { return promotions.DefaultAnomalyRules() }

func (c Config) validate() error {
	var errs []error
	for _, s := range []struct {
		name    string
		missing bool
	}{
		{"DatabaseURL", c.DatabaseURL == ""}, {"Bus", c.Bus == nil}, {"Keys", c.Keys == nil}, {"Issuer", c.Issuer == ""},
		{"Audience", c.Audience == ""}, {"LedgerAddress", c.LedgerAddress == ""}, {"InternalToken", c.InternalToken == ""},
		{"Anomalies.Window", c.Anomalies.Window == 0},
	} {
		if s.missing {
			errs = append(errs, fmt.Errorf("promotions: %s is not set", s.name))
		}
	}
	return errors.Join(errs...)
}

// App is the running service.
type App struct {
	pool    *pgxpool.Pool
	redis   *redis.Client
	metrics *metrics.Registry
	// subscriptions are the events that Run consumes.
	subscriptions []event.Subscription
	ledger        interface{ Close() error }
	relay         *outbox.Relay
	bus           event.Bus
	store         *store.Store
	answers       *idempotency.Store
	service       *promotions.Service
	monitor       *promotions.Monitor
	rules         AnomalyRules
	handler       http.Handler
	log           *slog.Logger
	schema        *migrate.Applied
	ready         *readiness.Monitor
}

// New connects to the database, to Redis and to the ledger. The caller must call Close. New returns a
// readiness.UnreachableError if the database or Redis cannot be reached.
func New(ctx context.Context, c Config, log *slog.Logger) (_ *App, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	a := &App{bus: c.Bus, rules: c.Anomalies, log: log, metrics: metrics.New("promotions")}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	options := postgres.Options{ApplicationName: "promotions", Log: log}
	if a.pool, err = postgres.Open(ctx, c.DatabaseURL, options); err != nil {
		return nil, err
	}
	if a.schema, err = migrate.NewApplied(ctx, a.pool, "promotions", atlas.Promotions, log); err != nil {
		return nil, err
	}
	if a.redis, err = redis.Open(ctx, c.Redis); err != nil {
		return nil, err
	}
	verifier, err := accesstoken.NewVerifier(c.Issuer, c.Audience, c.Keys, sessionredis.NewStore(a.redis))
	if err != nil {
		return nil, err
	}
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{
		Address: c.LedgerAddress, Token: c.InternalToken, TLS: c.LedgerTLS, Observer: a.metrics.InternalCalls(),
		Tracer: c.Tracer,
	})
	if err != nil {
		return nil, err
	}
	a.ledger = conn
	a.relay = outbox.NewRelay(a.pool, c.Bus, log, outbox.Options{Tracer: c.Tracer})
	a.ready = readiness.New("promotions", log,
		readiness.Check{Dependency: readiness.Database, Run: a.schema.Check},
		readiness.Check{Dependency: readiness.Redis, Run: func(ctx context.Context) error { return redis.Ping(ctx, a.redis) }},
		readiness.Check{Dependency: "outbox relay", Run: func(context.Context) error { return a.relay.Ready() }, Silent: true},
		readiness.Check{Dependency: "LOYALTY_JWKS_URL", Run: c.Keys.Ready})
	payer, alerts := ledger.New(conn, log), alert.New(log)
	a.store = store.New(a.pool, a.relay.Wake)
	a.service = promotions.New(a.store, payer, time.Now)
	a.service.LimitCodes(ratelimitredis.New(a.redis))
	a.service.UseDirectory(directory.New(conn))
	a.monitor = promotions.NewMonitor(a.store, payer, a.rules, alerts.Found, time.Now)
	a.measure(payer, alerts)
	for i := range a.subscriptions {
		a.subscriptions[i].Tracer = c.Tracer
	}
	a.answers = idempotency.NewStore(a.pool)
	server, err := rpcserver.New(rpcserver.Config{
		Service: "promotions", Authenticator: verifier, Log: log, TrustedProxies: c.TrustedProxies, Ready: a.Ready,
		Started: a.schema.Err, Reflection: c.Reflection, Observer: a.metrics.Requests(), AccessLog: c.AccessLog, Tracer: c.Tracer,
		Answers: a.answers,
	})
	if err != nil {
		return nil, err
	}
	a.handler, err = a.mount(server)
	return a, err
}

// mount adds the handlers of the public API to the server, and returns the handler of all.
func (a *App) mount(server *rpcserver.Server) (http.Handler, error) {
	server.Mount(promotionsv1connect.NewPromotionServiceHandler(rpc.New(a.service), server.Options()...))
	server.Mount(promotionsv1connect.NewAnomalyServiceHandler(rpc.NewAnomalies(a.monitor), server.Options()...))
	server.Mount(promotionsv1connect.NewAssignmentJobServiceHandler(rpc.NewJobs(a.service), server.Options()...))
	server.Handle("GET "+buildinfo.Path, buildinfo.Handler())
	server.Handle("/promotions/api-docs/", apidocs.New("promotions", openapi.FS, rpcserver.WriteProblem))
	return server.Handler()
}

// Handler serves the public API: REST under /api/v1, Connect and gRPC at the protobuf paths.
func (a *App) Handler() http.Handler { return a.handler }

// Run relays and consumes events, settles claims, handles the deadlines of assignments, processes jobs, and prunes the
// inbox, the windows of anomalies, the idempotency keys and ended jobs, until ctx ends. It returns when all of them have
// stopped. They start only after the migrations are applied.
func (a *App) Run(ctx context.Context) error {
	g := lifecycle.New(ctx)
	g.Go("promotions relay", a.schema.Before(a.relay.Run))
	g.RunWith("promotions readiness", a.ready.Run)
	g.Go("promotions inbox", a.schema.Before(func(ctx context.Context) error {
		return inbox.Run(ctx, a.pool, consumer.InboxRetention(), a.log)
	}))
	g.Go("promotions anomaly windows", a.schema.Before(func(ctx context.Context) error {
		return a.store.RunPruning(ctx, a.rules, a.log)
	}))
	g.Go("promotions idempotency keys", a.schema.Before(func(ctx context.Context) error {
		return idempotency.RunPruning(ctx, a.answers, a.log)
	}))
	g.Go("promotions claims", a.schema.Before(a.repeat("settling claims", settleInterval, a.service.SettleClaims)))
	g.Go("promotions deadlines", a.schema.Before(
		a.repeat("handling the deadlines of assignments", deadlineInterval, a.service.HandleDeadlines)))
	g.Go("promotions jobs", a.schema.Before(a.repeat("processing jobs", jobInterval, a.service.ProcessAssignmentJobs)))
	g.Go("promotions old jobs", a.schema.Before(a.repeat("pruning jobs", pruneJobsInterval, a.service.PruneAssignmentJobs)))
	for _, s := range a.subscriptions {
		g.RunWith("promotions consumer of "+s.Topic, a.schema.Before(func(ctx context.Context) error {
			return a.bus.Subscribe(ctx, s)
		}))
	}
	return g.Run()
}

// Ready returns an error if the service cannot do its work now. The error names the failed dependency.
func (a *App) Ready(ctx context.Context) error { return a.ready.Check(ctx) }

// Close closes all connections. Call it once, after Run has returned.
func (a *App) Close() {
	if a.ledger != nil {
		_ = a.ledger.Close()
	}
	if a.redis != nil {
		a.redis.Close()
	}
	if a.pool != nil {
		a.pool.Close()
	}
}
