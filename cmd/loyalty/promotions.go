package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

type promotionsSettings struct {
	Service       serviceSettings
	Tokens        tokenSettings
	Redis         redisSettings
	Bus           busSettings
	Database      string        `env:"LOYALTY_PROMOTIONS_DATABASE_URL,required,notEmpty"`
	JWKS          string        `env:"LOYALTY_JWKS_URL,required,notEmpty"`
	LedgerAddress string        `env:"LOYALTY_LEDGER_ADDRESS,required,notEmpty"`
	InternalToken internalToken `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
}

// runPromotions runs the promotions service.
func runPromotions(ctx context.Context, c call) error {
	if err := c.flags("promotions", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[promotionsSettings](c.settings)
	if err != nil {
		return err
	}
	if err := errors.Join(s.Service.check(), s.Redis.check(), s.InternalToken.check()); err != nil {
		return err
	}
	keys, err := remoteKeys(s.JWKS)
	if err != nil {
		return err
	}
	log := s.Service.logger("promotions")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Config{
		DatabaseURL: s.Database, Redis: s.Redis.config(log), Bus: bus,
		Keys: keys, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		LedgerAddress: s.LedgerAddress, InternalToken: string(s.InternalToken), TrustedProxies: s.Service.TrustedProxies,
	}, log)
	if err != nil {
		bus.Close()
		return err
	}
	return serve(ctx, s.Service.Listen, a, bus, stopAll, log)
}

// remoteKeys are the public keys that users publishes.
func remoteKeys(url string) (accesstoken.KeySource, error) {
	keys, err := accesstoken.NewRemoteKeys(url)
	if err != nil {
		return nil, fmt.Errorf("settings: LOYALTY_JWKS_URL: %w", err)
	}
	return keys, nil
}
