package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/origin"
	"github.com/casino-loyalty/loyalty/services/notifications/app"
)

// storeKind is the kind of database that stores notifications.
type storeKind app.Kind

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *storeKind) UnmarshalText(text []byte) error {
	*k = storeKind(text)
	return config.OneOf(string(text), string(app.MongoDB), string(app.PostgreSQL))
}

// storeSettings are the kind and the location of the notification store.
type storeSettings struct {
	Kind     storeKind          `env:"LOYALTY_NOTIFICATIONS_STORE"        envDefault:"mongodb"`
	Mongo    config.MongoURL    `env:"LOYALTY_MONGODB_URL"`
	Database string             `env:"LOYALTY_MONGODB_DATABASE"`
	Postgres config.PostgresURL `env:"LOYALTY_NOTIFICATIONS_DATABASE_URL"`
	// InsecurePostgres and InsecureMongo allow connections that are not protected.
	InsecurePostgres insecurePostgres `env:"LOYALTY_INSECURE_POSTGRES"`
	InsecureMongo    insecure         `env:"LOYALTY_INSECURE_MONGODB"`
}

// Check returns an error if the URL of the chosen store is not set, or if its connections are not protected.
func (s storeSettings) Check() error {
	if err := s.located(); err != nil {
		return err
	}
	return protected(s.connection())
}

// connection describes the connections to the chosen store.
func (s storeSettings) connection() connection {
	if app.Kind(s.Kind) == app.MongoDB {
		return mongoConnection(s.Mongo, s.InsecureMongo)
	}
	return postgresConnection("LOYALTY_NOTIFICATIONS_DATABASE_URL", s.Postgres, s.InsecurePostgres.insecure)
}

// located returns an error if the URL of the chosen store is not set.
func (s storeSettings) located() error {
	switch kind := app.Kind(s.Kind); {
	case kind == app.MongoDB && s.Mongo == "":
		return errors.New("LOYALTY_MONGODB_URL is not set")
	case kind == app.PostgreSQL && s.Postgres == "":
		return errors.New("LOYALTY_NOTIFICATIONS_DATABASE_URL is not set")
	}
	return nil
}

// setting returns the name of the setting with the URL.
func (s storeSettings) setting() string {
	if app.Kind(s.Kind) == app.MongoDB {
		return "LOYALTY_MONGODB_URL"
	}
	return "LOYALTY_NOTIFICATIONS_DATABASE_URL"
}

// role returns the role of notifications in PostgreSQL.
func (s storeSettings) role() serviceRole {
	if app.Kind(s.Kind) == app.MongoDB {
		return serviceRole{}
	}
	return serviceRole{s.setting(), s.Postgres, s.InsecurePostgres}
}

func (s storeSettings) config() app.StoreConfig {
	if app.Kind(s.Kind) == app.MongoDB {
		return app.StoreConfig{Kind: app.MongoDB, URL: string(s.Mongo), Database: s.Database}
	}
	return app.StoreConfig{Kind: app.PostgreSQL, URL: string(s.Postgres)}
}

type notificationsSettings struct {
	Service serviceSettings
	Tokens  tokenSettings
	Redis   redisSettings
	Bus     busSettings
	Store   storeSettings
	JWKS    jwksSettings
	Origins []string    `env:"LOYALTY_ALLOWED_ORIGINS"`
	Sockets socketLimit `env:"LOYALTY_SOCKETS_PER_ADDRESS" envDefault:"1000"`
}

// socketLimit is a maximum number of live connections.
type socketLimit int

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *socketLimit) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > limits.Sockets {
		return &config.ValueError{Text: fmt.Sprintf("must be a whole number from 1 to %d", limits.Sockets)}
	}
	*l = socketLimit(n)
	return nil
}

// runNotifications runs the notifications service.
func runNotifications(ctx context.Context, c call) error {
	if err := c.flags("notifications", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[notificationsSettings](c.settings)
	if err != nil {
		return err
	}
	if _, err := origin.NewPolicy(s.Origins); err != nil {
		return fmt.Errorf("LOYALTY_ALLOWED_ORIGINS: %w", err)
	}
	keys, err := accesstoken.NewRemoteKeys(string(s.JWKS.URL))
	if err != nil {
		return err
	}
	log := s.Service.logger("notifications")
	tracer, err := s.Service.Traces.tracer(ctx, "notifications", log)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, bus event.Bus) (service, error) {
		sockets := app.DefaultSockets()
		sockets.Origins, sockets.MaxSocketsPerAddress = s.Origins, int(s.Sockets)
		return app.New(ctx, app.Config{
			Store: s.Store.config(), Redis: s.Redis.config(log), Bus: bus,
			Keys: keys, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
			TrustedProxies: s.Service.TrustedProxies, Reflection: s.Service.Reflection,
			AccessLog: s.Service.AccessLog.accessLog(), Tracer: tracer, Sockets: sockets,
		}, log)
	}
	return s.Service.serve(ctx, process{
		name: "notifications", log: log, tracer: tracer, bus: s.Bus, open: open,
		database: s.Store.setting(), redis: s.Redis.setting(), role: s.Store.role(),
	})
}
