package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

type usersSettings struct {
	Service        serviceSettings
	Tokens         tokenSettings
	Redis          redisSettings
	Bus            busSettings
	Database       string        `env:"LOYALTY_USERS_DATABASE_URL,required,notEmpty"`
	TokenKey       string        `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	InternalListen string        `env:"LOYALTY_INTERNAL_LISTEN"                      envDefault:":9090"`
	InternalToken  internalToken `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
	// OtherKeys are accepted and published beside TokenKey, in PEM, while keys are exchanged.
	OtherKeys string `env:"LOYALTY_TOKEN_OTHER_KEYS"`
	// AddressLimit is how many registrations, and failed logins, a minute are taken from one address; 0 is the default.
	AddressLimit int `env:"LOYALTY_ADDRESS_LIMIT"`
}

func (s usersSettings) check() error {
	err := errors.Join(s.Service.check(), s.Redis.check(), s.InternalToken.check())
	if s.AddressLimit < 0 {
		err = errors.Join(err, errors.New("settings: LOYALTY_ADDRESS_LIMIT is negative"))
	}
	return err
}

// keys are the one that signs, and the others that are good.
func (s usersSettings) keys() (key ed25519.PrivateKey, others []ed25519.PublicKey, err error) {
	if key, err = accesstoken.ParseKey([]byte(s.TokenKey)); err != nil {
		return nil, nil, fmt.Errorf("settings: LOYALTY_TOKEN_KEY %w", err)
	}
	if s.OtherKeys == "" {
		return key, nil, nil
	}
	if others, err = accesstoken.ParsePublicKeys([]byte(s.OtherKeys)); err != nil {
		return nil, nil, fmt.Errorf("settings: LOYALTY_TOKEN_OTHER_KEYS: %w", err)
	}
	return key, others, nil
}

// runUsers runs the users service.
func runUsers(ctx context.Context, c call) error {
	if err := c.flags("users", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[usersSettings](c.settings)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	key, others, err := s.keys()
	if err != nil {
		return err
	}
	log := s.Service.logger("users")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	limits := app.DefaultLimits()
	if s.AddressLimit > 0 {
		limits = limits.ForAddress(s.AddressLimit)
	}
	a, err := app.New(ctx, app.Config{
		DatabaseURL: s.Database, Redis: s.Redis.config(log), Bus: bus,
		PrivateKey: key, OtherKeys: others, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		InternalListen: s.InternalListen, InternalToken: string(s.InternalToken),
		Limits: limits, Password: password.Default(), TrustedProxies: s.Service.TrustedProxies,
	}, log)
	if err != nil {
		bus.Close()
		return err
	}
	return serve(ctx, s.Service.Listen, a, bus, stopAll, log)
}
