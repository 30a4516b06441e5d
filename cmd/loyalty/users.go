package main

import (
	"context"
	"errors"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

type usersSettings struct {
	Service        serviceSettings
	Tokens         tokenSettings
	Redis          redisSettings
	Bus            busSettings
	Database       string `env:"LOYALTY_USERS_DATABASE_URL,required,notEmpty"`
	TokenKey       string `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	InternalListen string `env:"LOYALTY_INTERNAL_LISTEN"                      envDefault:":9090"`
	InternalToken  string `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
	// AddressLimit is how many registrations, and failed logins, a minute are taken from one address; 0 is the default.
	AddressLimit int `env:"LOYALTY_ADDRESS_LIMIT"`
}

// runUsers runs the users service.
func runUsers(ctx context.Context, c call) error {
	if err := c.flags("users", nil); err != nil {
		return err
	}
	s, err := config.LoadWith[usersSettings](c.settings)
	if err != nil {
		return err
	}
	if s.AddressLimit < 0 {
		return errors.New("settings: LOYALTY_ADDRESS_LIMIT is negative")
	}
	key, err := parseKey(s.TokenKey)
	if err != nil {
		return err
	}
	log := s.Service.logger("users")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	defer bus.Close()
	limits := app.DefaultLimits()
	if s.AddressLimit > 0 {
		limits = limits.ForAddress(s.AddressLimit)
	}
	a, err := app.New(ctx, app.Config{
		DatabaseURL: s.Database, Redis: s.Redis.config(log), Bus: bus,
		PrivateKey: key, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		InternalListen: s.InternalListen, InternalToken: s.InternalToken,
		Limits: limits, Password: password.Default(), TrustedProxies: s.Service.TrustedProxies,
	}, log)
	if err != nil {
		return err
	}
	return serve(ctx, s.Service.Listen, a, log)
}
