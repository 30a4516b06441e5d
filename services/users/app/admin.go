package app

import (
	"context"
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// AdminConfig is what making an admin needs, beside a running service or without one.
type AdminConfig struct {
	// DatabaseURL and Redis are the service's.
	DatabaseURL string
	Redis       redis.Config
	// Password is what hashing a password costs.
	Password password.Params
}

// EnsureAdmin is [App.EnsureAdmin] for a command.
func EnsureAdmin(ctx context.Context, c AdminConfig, email, secret string, reset bool) (created bool, err error) {
	pool, err := postgres.Open(ctx, c.DatabaseURL, postgres.Options{ApplicationName: "users admin", MaxConns: 2})
	if err != nil {
		return false, err
	}
	defer pool.Close()
	client, err := redis.Open(c.Redis)
	if err != nil {
		return false, err
	}
	defer client.Close()
	hasher, err := password.New(c.Password)
	if err != nil {
		return false, fmt.Errorf("users: Password: %w", err)
	}
	service := users.New(users.Dependencies{
		// An admin is announced to nobody, so there is no relay to wake.
		Store: store.New(pool, func() {}), Sessions: sessionredis.NewStore(client), Hasher: hasher, Now: time.Now,
	})
	return service.EnsureAdmin(ctx, email, secret, reset)
}
