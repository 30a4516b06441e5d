package app

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// AdminOutcome is the result of EnsureAdmin.
type AdminOutcome = users.AdminOutcome

// The outcomes of EnsureAdmin; see [users.AdminOutcome].
const (
	AdminCreated   = users.AdminCreated
	AdminReset     = users.AdminReset
	AdminUnchanged = users.AdminUnchanged
)

// AdminConfig is the configuration of EnsureAdmin.
type AdminConfig struct {
	// DatabaseURL and Redis have the same values as in Config.
	DatabaseURL string
	Redis       redis.Config
	// Password is the cost of hashing a password.
	Password password.Params
}

// EnsureAdmin does the same as [App.EnsureAdmin], without an App. It opens its own connections to PostgreSQL and Redis, and
// closes them.
func EnsureAdmin(ctx context.Context, c AdminConfig, email, secret string, reset bool) (AdminOutcome, error) {
	pool, err := postgres.Open(ctx, c.DatabaseURL, postgres.Options{ApplicationName: "users admin", MaxConns: 2})
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	client, err := redis.Open(ctx, c.Redis)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	hasher, err := password.New(c.Password)
	if err != nil {
		return 0, fmt.Errorf("users: Password: %w", err)
	}
	service, err := users.New(users.Dependencies{
		// Changes of admins publish no events, so there is no relay to wake.
		Store: store.New(pool, func() {}), Sessions: sessionredis.NewStore(client), Hasher: hasher, Now: time.Now,
	})
	if err != nil {
		return 0, err
	}
	return ensureAdmin(ctx, service, email, secret, reset)
}

// ensureAdmin checks e-mail and password like those of other staff, and calls [users.Service.EnsureAdmin].
func ensureAdmin(ctx context.Context, s *users.Service, email, secret string, reset bool) (AdminOutcome, error) {
	r := &usersv1.RegisterStaffRequest{Email: email, Password: secret}
	if err := validate(r); err != nil {
		return 0, err
	}
	return s.EnsureAdmin(ctx, r.GetEmail(), r.GetPassword(), reset)
}

// validate normalizes what an operator has entered and checks it with the rules of the API, because it is stored in the same
// columns. It returns VALIDATION_FAILED.
func validate(request proto.Message) error {
	v, err := validation.New(request.ProtoReflect().Descriptor())
	if err != nil {
		return err
	}
	violations, err := v.Check(request)
	if err == nil && len(violations) > 0 {
		err = apperr.InvalidAll(violations)
	}
	return err
}

// ResetAdminFactor removes the second factor of an admin. It opens its own connection to PostgreSQL, and closes it.
func ResetAdminFactor(ctx context.Context, databaseURL, email string) error {
	pool, err := postgres.Open(ctx, databaseURL, postgres.Options{ApplicationName: "users admin", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	service, err := users.New(users.Dependencies{Store: store.New(pool, func() {}), Now: time.Now})
	if err != nil {
		return err
	}
	return service.ResetAdminFactor(ctx, email)
}
