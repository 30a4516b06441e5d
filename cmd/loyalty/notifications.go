package main

import (
	"context"
	"errors"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/services/notifications/app"
)

// storeSettings say where notifications are kept.
type storeSettings struct {
	Kind     string `env:"LOYALTY_NOTIFICATIONS_STORE"        envDefault:"mongodb"`
	Mongo    string `env:"LOYALTY_MONGODB_URL"`
	Database string `env:"LOYALTY_MONGODB_DATABASE"`
	Postgres string `env:"LOYALTY_NOTIFICATIONS_DATABASE_URL"`
}

func (s storeSettings) config() (app.StoreConfig, error) {
	switch kind := app.Kind(s.Kind); {
	case kind == app.MongoDB && s.Mongo == "":
		return app.StoreConfig{}, errors.New("settings: LOYALTY_MONGODB_URL is not set")
	case kind == app.MongoDB:
		return app.StoreConfig{Kind: kind, URL: s.Mongo, Database: s.Database}, nil
	case kind == app.PostgreSQL && s.Postgres == "":
		return app.StoreConfig{}, errors.New("settings: LOYALTY_NOTIFICATIONS_DATABASE_URL is not set")
	case kind == app.PostgreSQL:
		return app.StoreConfig{Kind: kind, URL: s.Postgres}, nil
	}
	return app.StoreConfig{}, errors.New("settings: LOYALTY_NOTIFICATIONS_STORE is neither mongodb nor postgres")
}

type notificationsSettings struct {
	Service serviceSettings
	Tokens  tokenSettings
	Redis   redisSettings
	Bus     busSettings
	Store   storeSettings
	JWKS    string   `env:"LOYALTY_JWKS_URL,required,notEmpty"`
	Origins []string `env:"LOYALTY_ALLOWED_ORIGINS"`
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
	if err := errors.Join(s.Service.check(), s.Redis.check()); err != nil {
		return err
	}
	keys, err := remoteKeys(s.JWKS)
	if err != nil {
		return err
	}
	store, err := s.Store.config()
	if err != nil {
		return err
	}
	log := s.Service.logger("notifications")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	sockets := app.DefaultSockets()
	sockets.Origins = s.Origins
	a, err := app.New(ctx, app.Config{
		Store: store, Redis: s.Redis.config(log), Bus: bus,
		Keys: keys, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		TrustedProxies: s.Service.TrustedProxies, Sockets: sockets,
	}, log)
	if err != nil {
		bus.Close()
		return err
	}
	return serve(ctx, s.Service.Listen, a, bus, stopAll, log)
}
