package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/diagnostics"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/openapi"
	notifications "github.com/casino-loyalty/loyalty/services/notifications/app"
	promotions "github.com/casino-loyalty/loyalty/services/promotions/app"
	users "github.com/casino-loyalty/loyalty/services/users/app"
)

// assemble starts all servers and services, registers them with the group and returns the handler of the public port.
func assemble(
	g *lifecycle.Group, dir *datadir.Dir, o options, address string, diagnosticsServer *diagnostics.Server,
	admin datadir.Admin, p *progress, log *slog.Logger,
) (http.Handler, error) {
	ctx := g.Context()
	s, err := startServers(ctx, g, dir, o.bus, p, log)
	if err != nil {
		return nil, err
	}
	c, err := common(ctx, dir, s, log)
	if err != nil {
		return nil, err
	}
	if o.logLevel < slog.LevelWarn {
		c.access.Mode = rpcserver.AccessAll
	}
	g.OnStop("bus", func(context.Context) error { c.bus.Close(); return nil })

	// The users service starts first: promotions needs the address of its ledger.
	u, err := users.New(ctx, usersConfig(s, c, o), log)
	if err != nil {
		return nil, err
	}
	add(g, g.Go, diagnosticsServer, "users", u)
	if err := createAdmin(ctx, u, dir, admin); err != nil {
		return nil, err
	}
	pr, err := promotions.New(ctx, promotions.Config{
		DatabaseURL: s.databaseURL("promotions"), Redis: c.redis, Bus: c.bus,
		Keys: c.keys, Issuer: tokenIssuer, Audience: tokenAudience,
		LedgerAddress: u.InternalAddr(), InternalToken: c.internalToken, Reflection: true,
		Anomalies: promotions.DefaultAnomalyRules(), AccessLog: c.access,
	}, log)
	if err != nil {
		return nil, err
	}
	add(g, g.RunWith, diagnosticsServer, "promotions", pr)
	n, err := notifications.New(ctx, notifications.Config{
		Store: notifications.StoreConfig{Kind: notifications.PostgreSQL, URL: s.databaseURL("notifications")},
		Redis: c.redis, Bus: c.bus, Keys: c.keys, Issuer: tokenIssuer, Audience: tokenAudience,
		Sockets: notifications.DefaultSockets(), Reflection: true, AccessLog: c.access,
	}, log)
	if err != nil {
		return nil, err
	}
	add(g, g.RunWith, diagnosticsServer, "notifications", n)
	ready := map[string]func(context.Context) error{"users": u.Ready, "promotions": pr.Ready, "notifications": n.Ready}
	if err := awaitReady(ctx, ready); err != nil {
		return nil, err
	}
	diagnosticsServer.MarkStarted()
	p.sayf("Services are ready")
	if err := writeSettings(dir, s, o.bus); err != nil {
		return nil, err
	}
	page, err := newIndex(address, admin.Email, o.demo)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Services{
		Users: u.Handler(), Promotions: pr.Handler(), Notifications: n.Handler(), Ready: ready,
	}, gateway.Options{Docs: openapi.FS, Index: page, Reflection: true, Log: log}), nil
}

func usersConfig(s *servers, c shared, o options) users.Config {
	return users.Config{
		DatabaseURL: s.databaseURL("users"), Redis: c.redis, Bus: c.bus,
		PrivateKey: c.key, LedgerKey: c.ledgerKey, Issuer: tokenIssuer, Audience: tokenAudience,
		InternalListen: "127.0.0.1:0", InternalToken: c.internalToken,
		Limits:          users.DefaultLimits().PerAddress(o.addressLimit, o.addressLimit),
		SessionLifetime: users.DefaultSessionLifetime, Password: password.Default(),
		SecondFactor: users.DefaultSecondFactor(), AuditRetention: users.DefaultAuditRetention(),
		Reflection: true, AccessLog: c.access,
	}
}

// createAdmin creates the admin. If the admin exists, it sets the password. It then stores the credentials in the data
// directory.
func createAdmin(ctx context.Context, u *users.App, dir *datadir.Dir, admin datadir.Admin) error {
	if _, err := u.EnsureAdmin(ctx, admin.Email, admin.Password, true); err != nil {
		return fmt.Errorf("create the admin %s: %w", admin.Email, err)
	}
	return dir.KeepAdmin(admin)
}

// readyTimeout is the maximum time that awaitReady waits for each service.
const readyTimeout = 30 * time.Second

// awaitReady waits until every service is ready. The services connect in the background, so the first readiness checks may
// fail. If a service is not ready within readyTimeout, awaitReady returns the error of its check.
func awaitReady(ctx context.Context, services map[string]func(context.Context) error) error {
	policy := backoff.Policy{Initial: 10 * time.Millisecond, Max: 100 * time.Millisecond, Timeout: readyTimeout}
	for _, ready := range services {
		if err := backoff.Retry(ctx, policy, ready); err != nil {
			return err
		}
	}
	return nil
}

// Issuer and audience of access tokens.
const (
	tokenIssuer   = "loyalty-dev"
	tokenAudience = "loyalty"
)

// add registers a service with the group, and its diagnostics with diagnosticsServer. The group runs the service with run,
// which is g.Go or g.RunWith, and closes it after it has stopped. With g.RunWith the services stop concurrently, so they do
// not divide the shutdown budget among themselves.
func add(
	g *lifecycle.Group, run func(name string, fn func(context.Context) error), diagnosticsServer *diagnostics.Server,
	name string,
	s interface {
		diagnostics.Component
		Run(ctx context.Context) error
		Close()
	},
) {
	diagnosticsServer.Set(name, s)
	g.OnStop(name, func(context.Context) error { s.Close(); return nil })
	run(name, s.Run)
}

// shared holds the dependencies of all services.
type shared struct {
	bus           event.Bus
	redis         redis.Config
	key           ed25519.PrivateKey
	keys          accesstoken.KeySource
	internalToken string
	ledgerKey     ledgerchain.Key
	access        rpcserver.AccessLog
}

// common reads the keys, then concurrently migrates the databases, as their owner, and connects to the bus. The caller must
// close the bus, except after an error.
func common(ctx context.Context, dir *datadir.Dir, s *servers, log *slog.Logger) (c shared, err error) {
	c.redis = redis.Config{Address: s.redis.Addr(), Password: s.password, Plain: true, Log: log}
	if c.key, err = dir.TokenKey(); err != nil {
		return c, err
	}
	c.keys = accesstoken.NewStaticKeys(c.key.Public().(ed25519.PublicKey))
	if c.internalToken, err = dir.InternalToken(); err != nil {
		return c, err
	}
	text, err := dir.LedgerKey()
	if err != nil {
		return c, err
	}
	if c.ledgerKey, err = ledgerchain.ParseKey(text); err != nil {
		return c, fmt.Errorf("%s %w", dir.Path("secrets", "ledger-key"), err)
	}
	starts, ctx := errgroup.WithContext(ctx)
	for service, migrations := range map[string]fs.FS{
		"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications,
	} {
		starts.Go(func() error {
			role := dbrole.Role{Name: service, Privileges: dbrole.Of(service)}
			_, err := migrate.Up(ctx, s.postgres.URL(service), migrations, role, log)
			return err
		})
	}
	starts.Go(func() (err error) {
		c.bus, err = openBus(context.WithoutCancel(ctx), s, log)
		return err
	})
	if err := starts.Wait(); err != nil {
		if c.bus != nil {
			c.bus.Close()
		}
		return c, err
	}
	return c, nil
}

// partitions is the number of partitions per topic. More partitions would only cost resources on a development machine.
const partitions = 4

func openBus(ctx context.Context, s *servers, log *slog.Logger) (bus event.Bus, err error) {
	if s.nats != nil {
		bus, err = jetstream.New(ctx, jetstream.Config{URL: s.natsURL(), Name: "loyalty-dev", Grace: busGrace}, log)
	} else {
		bus, err = kafka.New(ctx, kafka.Config{
			Brokers: s.kafka.Brokers(), Username: embedded.Username, Password: s.password,
			ClientID: "loyalty-dev", Grace: busGrace,
		}, log)
	}
	if err != nil {
		return nil, err
	}
	if err := bus.EnsureTopics(ctx, partitions, 1, topics.All()...); err != nil {
		bus.Close()
		return nil, err
	}
	return bus, nil
}
