package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/openapi"
	notifications "github.com/casino-loyalty/loyalty/services/notifications/app"
	promotions "github.com/casino-loyalty/loyalty/services/promotions/app"
	users "github.com/casino-loyalty/loyalty/services/users/app"
)

// assemble starts everything, hands it to the group and returns what the public port serves.
func assemble(g *lifecycle.Group, dir *datadir.Dir, o options, admin datadir.Admin, p *progress, log *slog.Logger) (http.Handler, error) {
	ctx := g.Context()
	s, err := startServers(ctx, g, dir, o.bus, p, log)
	if err != nil {
		return nil, err
	}
	c, err := common(ctx, dir, s, log)
	if err != nil {
		return nil, err
	}
	g.OnStop("bus", func(context.Context) error { c.bus.Close(); return nil })

	// Users comes first: the ledger's address is known once it listens.
	u, err := users.New(ctx, users.Config{
		DatabaseURL: s.postgres.URL("users"), Redis: c.redis, Bus: c.bus,
		PrivateKey: c.key, Issuer: tokenIssuer, Audience: tokenAudience,
		InternalListen: "127.0.0.1:0", InternalToken: c.internalToken,
		Limits: users.DefaultLimits().ForAddress(o.addressLimit), Password: password.Default(),
	}, log)
	if err != nil {
		return nil, err
	}
	add(g, g.Go, "users", u)
	if _, err := u.EnsureAdmin(ctx, admin.Email, admin.Password, true); err != nil {
		return nil, fmt.Errorf("the admin %s: %w", admin.Email, err)
	}
	if err := dir.KeepAdmin(admin); err != nil {
		return nil, err
	}
	pr, err := promotions.New(ctx, promotions.Config{
		DatabaseURL: s.postgres.URL("promotions"), Redis: c.redis, Bus: c.bus,
		Keys: c.keys, Issuer: tokenIssuer, Audience: tokenAudience,
		LedgerAddress: u.InternalAddr(), InternalToken: c.internalToken,
	}, log)
	if err != nil {
		return nil, err
	}
	add(g, g.RunWith, "promotions", pr)
	n, err := notifications.New(ctx, notifications.Config{
		Store: notifications.StoreConfig{Kind: notifications.PostgreSQL, URL: s.postgres.URL("notifications")},
		Redis: c.redis, Bus: c.bus, Keys: c.keys, Issuer: tokenIssuer, Audience: tokenAudience,
		Sockets: notifications.DefaultSockets(),
	}, log)
	if err != nil {
		return nil, err
	}
	add(g, g.RunWith, "notifications", n)
	p.sayf("The services are ready")
	if err := writeSettings(dir, s, o.bus); err != nil {
		return nil, err
	}
	return gateway.New(gateway.Services{
		Users: u.Handler(), Promotions: pr.Handler(), Notifications: n.Handler(),
		Ready: map[string]func(context.Context) error{"users": u.Ready, "promotions": pr.Ready, "notifications": n.Ready},
	}, gateway.Options{Docs: openapi.FS, Log: log}), nil
}

// Names in access tokens.
const (
	tokenIssuer   = "loyalty-dev"
	tokenAudience = "loyalty"
)

// add hands a service to the group: it runs, by run, until it is told to stop, and is closed then. The services stop at the
// same time, so that each has enough of it.
func add(g *lifecycle.Group, run func(name string, fn func(context.Context) error), name string, s interface {
	Run(ctx context.Context) error
	Close()
}) {
	g.OnStop(name, func(context.Context) error { s.Close(); return nil })
	run(name, s.Run)
}

// shared is what all services have in common.
type shared struct {
	bus           event.Bus
	redis         redis.Config
	key           ed25519.PrivateKey
	keys          accesstoken.KeySource
	internalToken string
}

// common migrates the databases and connects to the bus, at the same time.
func common(ctx context.Context, dir *datadir.Dir, s *servers, log *slog.Logger) (c shared, err error) {
	c.redis = redis.Config{Address: s.redis.Addr(), Plain: true, Log: log}
	if c.key, err = dir.TokenKey(); err != nil {
		return c, err
	}
	c.keys = accesstoken.NewStaticKeys(c.key.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // as crypto/ed25519 says
	if c.internalToken, err = dir.InternalToken(); err != nil {
		return c, err
	}
	starts, ctx := errgroup.WithContext(ctx)
	starts.Go(func() error {
		_, err := migrate.Up(ctx, s.postgres.URL("users"), atlas.Users, log)
		return err
	})
	starts.Go(func() error {
		_, err := migrate.Up(ctx, s.postgres.URL("promotions"), atlas.Promotions, log)
		return err
	})
	starts.Go(func() error {
		_, err := migrate.Up(ctx, s.postgres.URL("notifications"), atlas.Notifications, log)
		return err
	})
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

// partitions spread the players of a topic; more of them only cost a development machine.
const partitions = 4

func openBus(ctx context.Context, s *servers, log *slog.Logger) (bus event.Bus, err error) {
	if s.nats != nil {
		bus, err = jetstream.New(ctx, jetstream.Config{URL: s.nats.URL(), Name: "loyalty-dev", Grace: stopBus}, log)
	} else {
		bus, err = kafka.New(ctx, kafka.Config{Brokers: s.kafka.Brokers(), ClientID: "loyalty-dev", Grace: stopBus}, log)
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
