// Package app wires the users service. It contains no business logic.
package app

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/casino-loyalty/loyalty/atlas"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/ratelimit/ratelimitredis"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/openapi"
	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users/internal/rpc"
)

// JWKSPath is the path of the public keys (JWKS) that verify access tokens.
const JWKSPath = "/.well-known/jwks.json"

// App is the running service.
type App struct {
	pool    *pgxpool.Pool
	redis   *redis.Client
	metrics *metrics.Registry
	log     *slog.Logger
	relay   *outbox.Relay
	bus     event.Bus
	// subscriptions are the events that Run consumes.
	subscriptions  []event.Subscription
	store          *store.Store
	auditRetention AuditRetention
	pruned         prometheus.Counter
	ledger         *store.Ledger
	service        *users.Service
	answers        *idempotency.Store
	handler        http.Handler
	internal       *grpc.Server
	listener       net.Listener
	schema         *migrate.Applied
	ready          *readiness.Monitor
}

// New connects the service to PostgreSQL and then to Redis, and opens its internal listener. The caller must call Close.
// Errors name the invalid setting or the failed dependency. New returns a readiness.UnreachableError if a dependency cannot
// be reached.
func New(ctx context.Context, c Config, log *slog.Logger) (_ *App, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	a := &App{log: log, metrics: metrics.New("users"), bus: c.Bus, auditRetention: c.AuditRetention}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.pool, err = postgres.Open(ctx, c.DatabaseURL, postgres.Options{ApplicationName: "users", Log: log}); err != nil {
		return nil, err
	}
	if a.schema, err = migrate.NewApplied(ctx, a.pool, "users", atlas.Users, log); err != nil {
		return nil, err
	}
	a.answers = idempotency.NewStore(a.pool)
	if a.redis, err = redis.Open(ctx, c.Redis); err != nil {
		return nil, err
	}
	a.relay = outbox.NewRelay(a.pool, c.Bus, log, outbox.Options{Tracer: c.Tracer})
	ledger := store.LedgerOptions{Observer: newLedgerMetrics(a.metrics)}
	if a.ledger, err = store.NewLedger(ctx, a.pool, c.LedgerKey, a.relay.Wake, log, ledger); err != nil {
		return nil, err
	}
	a.ready = a.monitor()
	sessions, err := openSessions(a.redis, c)
	if err != nil {
		return nil, err
	}
	if err := a.newService(c, sessions); err != nil {
		return nil, err
	}
	keys := publicKeys(c)
	verifier, err := accesstoken.NewVerifier(c.Issuer, c.Audience, accesstoken.NewStaticKeys(keys...), sessions)
	if err != nil {
		return nil, err
	}
	if a.handler, err = a.public(verifier, keys, c, log); err != nil {
		return nil, err
	}
	if a.internal, err = a.ledgerServer(c, log); err != nil {
		return nil, err
	}
	if a.listener, err = net.Listen("tcp", c.InternalListen); err != nil {
		return nil, fmt.Errorf("users: InternalListen: %w", err)
	}
	return a, nil
}

// derivedKey derives a key with a purpose from the signing key. Therefore, all devices are unknown after a rotation of the
// signing key.
func derivedKey(c Config, purpose string) []byte {
	mac := hmac.New(sha256.New, c.PrivateKey.Seed())
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// openSessions returns the store of sessions. The first of its keys is derived from the service's own signing key.
func openSessions(client *redis.Client, c Config) (*sessionredis.Store, error) {
	var keys []sessionredis.Key
	for _, signing := range append([]ed25519.PrivateKey{c.PrivateKey}, c.OtherPrivateKeys...) {
		key, err := sessionredis.NewKey(signing)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return sessionredis.NewStore(client, keys...), nil
}

// newService creates the service of the public API, with its metrics and subscriptions.
func (a *App) newService(c Config, sessions *sessionredis.Store) error {
	issuer, err := accesstoken.NewIssuer(c.PrivateKey, c.Issuer, c.Audience)
	if err != nil {
		return err
	}
	hasher, err := password.New(c.Password)
	if err != nil {
		return err
	}
	a.store = store.New(a.pool, a.relay.Wake)
	a.service, err = users.New(users.Dependencies{
		Store: a.store, Sessions: sessions, Hasher: hasher,
		Limiter: ratelimitredis.New(a.redis), Issuer: issuer, Limits: c.Limits,
		SessionLifetime: c.SessionLifetime, DeviceKey: derivedKey(c, "loyalty device token v1"), Now: time.Now,
		FactorSecrets: factorSecrets(c), FactorRequired: c.SecondFactor.Required, FactorFreshness: c.SecondFactor.Freshness,
		Observer: newLoginMetrics(a.metrics),
	})
	if err != nil {
		return err
	}
	a.measure(hasher)
	for i := range a.subscriptions {
		a.subscriptions[i].Tracer = c.Tracer
	}
	return nil
}

// factorSecrets derives the secrets of second factors from the keys of the ledger, which the database does not hold.
func factorSecrets(c Config) (secrets [][]byte) {
	for _, key := range append(ledgerchain.Keys{c.LedgerKey}, c.LedgerOtherKeys...) {
		secrets = append(secrets, key.Derive("second factors v1"))
	}
	return secrets
}

// ledgerServer returns the server of the internal listener.
func (a *App) ledgerServer(c Config, log *slog.Logger) (*grpc.Server, error) {
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{
		Token: c.InternalToken, Log: log, Reflection: c.Reflection, Health: a.ledgerHealth(), TLS: c.InternalTLS,
		Observer: a.metrics.InternalRequests(), AccessLog: c.AccessLog, Tracer: c.Tracer,
	})
	if err != nil {
		return nil, err
	}
	usersv1.RegisterLedgerServiceServer(server, rpc.NewLedgerHandler(users.NewLedgerService(a.ledger)))
	usersv1.RegisterDirectoryServiceServer(server, rpc.NewDirectoryHandler(a.service))
	return server, rpcserver.CheckInternal(server)
}

// monitor returns the readiness checks of the service.
func (a *App) monitor() *readiness.Monitor {
	return readiness.New("users", a.log,
		readiness.Check{Dependency: readiness.Database, Run: a.schema.Check},
		readiness.Check{Dependency: readiness.Redis, Run: func(ctx context.Context) error { return redis.Ping(ctx, a.redis) }},
		readiness.Check{Dependency: "outbox relay", Run: func(context.Context) error { return a.relay.Ready() }, Silent: true})
}

// ledgerHealth returns the health service of the internal listener. It reports SERVING while the database is ready, because
// the ledger needs no other dependency.
func (a *App) ledgerHealth() *health.Server {
	server := health.NewServer()
	server.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	a.ready.OnChange(readiness.Database, func(available bool) {
		status := healthv1.HealthCheckResponse_NOT_SERVING
		if available {
			status = healthv1.HealthCheckResponse_SERVING
		}
		server.SetServingStatus("", status)
	})
	return server
}

// public returns the handler of the public API. The gateway routes to it.
func (a *App) public(v *accesstoken.Verifier, keys []ed25519.PublicKey, c Config, log *slog.Logger) (http.Handler, error) {
	server, err := rpcserver.New(rpcserver.Config{
		Service: "users", Authenticator: v, Log: log, TrustedProxies: c.TrustedProxies, Ready: a.Ready,
		Started: a.schema.Err, Reflection: c.Reflection, Observer: a.metrics.Requests(), AccessLog: c.AccessLog, Tracer: c.Tracer,
		Answers: a.answers, RequestKey: derivedKey(c, "loyalty idempotency v1"),
		FreshFactor: a.service.FreshFactor,
	})
	if err != nil {
		return nil, err
	}
	jwks, err := accesstoken.JWKS(keys...)
	if err != nil {
		return nil, err
	}
	server.Mount(usersv1connect.NewAuthServiceHandler(rpc.NewAuth(a.service), server.Options()...))
	handler := rpc.NewUsers(a.service, users.NewLedgerService(a.ledger))
	server.Mount(usersv1connect.NewUserServiceHandler(handler, server.Options()...))
	server.Mount(usersv1connect.NewAuditServiceHandler(rpc.NewAudit(a.service), server.Options()...))
	server.Mount(usersv1connect.NewRestrictionServiceHandler(rpc.NewRestrictions(a.service), server.Options()...))
	server.Handle("GET "+JWKSPath, jwks)
	server.Handle("GET "+buildinfo.Path, buildinfo.Handler())
	server.Handle("/users/api-docs/", apidocs.New("users", openapi.FS, rpcserver.WriteProblem))
	return server.Handler()
}

// publicKeys returns the keys that verify access tokens, the service's own key first.
func publicKeys(c Config) []ed25519.PublicKey {
	keys := []ed25519.PublicKey{}
	if public, ok := c.PrivateKey.Public().(ed25519.PublicKey); ok {
		keys = append(keys, public)
	}
	return append(keys, c.OtherKeys...)
}

// Handler returns the handler of the public API. It serves REST under /api/v1, Connect and gRPC at the protobuf paths, and
// the public keys at JWKSPath.
func (a *App) Handler() http.Handler { return a.handler }

// InternalAddr returns the address of the ledger's listener, as "host:port".
func (a *App) InternalAddr() string { return a.listener.Addr().String() }

// EnsureAdmin creates an admin if no user has the e-mail; see [users.Service.EnsureAdmin].
func (a *App) EnsureAdmin(ctx context.Context, email, password string, reset bool) (AdminOutcome, error) {
	return ensureAdmin(ctx, a.service, email, password, reset)
}

// Run relays and consumes events, completes pending session revocations, prunes the idempotency keys and the audit trail,
// and serves the ledger until ctx ends. It then finishes the calls in progress and returns nil, or the error of the part
// that failed. All parts but the ledger and the readiness checks start only after the migrations are applied.
func (a *App) Run(ctx context.Context) error {
	g := lifecycle.New(ctx)
	g.Go("users relay", a.schema.Before(a.relay.Run))
	g.RunWith("users readiness", a.ready.Run)
	g.Go("users session ending", a.schema.Before(func(ctx context.Context) error {
		return a.service.KeepEndingSessions(ctx, a.log)
	}))
	g.Go("users idempotency keys", a.schema.Before(func(ctx context.Context) error {
		return idempotency.RunPruning(ctx, a.answers, a.log)
	}))
	g.Go("users audit pruning", a.schema.Before(func(ctx context.Context) error {
		return a.store.RunAuditPruning(ctx, a.auditRetention, func(n int64) { a.pruned.Add(float64(n)) }, a.log)
	}))
	for _, s := range a.subscriptions {
		g.RunWith("users consumer of "+s.Topic, a.schema.Before(func(ctx context.Context) error {
			return a.bus.Subscribe(ctx, s)
		}))
	}
	g.RunWith("users internal gRPC", a.serveInternal)
	return g.Run()
}

// serveInternal serves the ledger until ctx ends. It then waits for the calls in progress until the shutdown deadline.
func (a *App) serveInternal(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- a.internal.Serve(a.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	finish, cancel := lifecycle.Finish(ctx)
	defer cancel()
	defer context.AfterFunc(finish, a.internal.Stop)()
	a.internal.GracefulStop()
	if err := <-served; !errors.Is(err, grpc.ErrServerStopped) { // ErrServerStopped: ctx ended before Serve began
		return err
	}
	return nil
}

// Ready returns an error if the service cannot do its work now. The error names the failed dependency.
func (a *App) Ready(ctx context.Context) error { return a.ready.Check(ctx) }

// Close closes the listener and all connections. Call it once, after Run has returned.
func (a *App) Close() {
	if a.listener != nil {
		_ = a.listener.Close()
	}
	if a.ledger != nil {
		a.ledger.Close()
	}
	if a.redis != nil {
		a.redis.Close()
	}
	if a.pool != nil {
		a.pool.Close()
	}
}
