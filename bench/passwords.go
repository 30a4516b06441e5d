package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/casino-loyalty/loyalty/internal/password"
)

// passwordCallers is more than the number of cores, so that a hash always waits for a core.
const passwordCallers = 32

// loginRow measures logins over REST. Each caller logs in the same player again and again.
func loginRow(goal float64) Row {
	return passwordRow("login", goal, func(ctx context.Context, f *fleet, caller int) error {
		_, _, err := f.login(ctx, guestEmail(caller))
		return err
	})
}

// registerRow measures registrations over REST.
func registerRow(goal float64) Row {
	var registered atomic.Int64
	return passwordRow("register", goal, func(ctx context.Context, f *fleet, _ int) error {
		email := fmt.Sprintf("registered%d@example.com", registered.Add(1))
		return f.expect(ctx, http.StatusCreated, "/api/v1/auth/register", "", credentials(email), nil)
	})
}

func guestEmail(caller int) string { return fmt.Sprintf("guest%d@example.com", caller) }

// passwordRow returns a row that compares calls with the password hash alone.
func passwordRow(name string, goal float64, call func(ctx context.Context, f *fleet, caller int) error) Row {
	return Row{
		Name: fmt.Sprintf("%s, %d callers", name, passwordCallers), Metrics: throughput("calls/s", goal),
		Limit: "the password hash alone, on all cores",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			// Other rows need the sessions of the other players, and a player has at most 100 sessions.
			if f.guests, err = f.enter(ctx, "guest", f.guests, passwordCallers); err != nil {
				return nil, err
			}
			hasher, err := password.New(password.Default())
			if err != nil {
				return nil, err
			}
			hash, err := hasher.Hash(ctx, benchPassword)
			if err != nil {
				return nil, err
			}
			return &Pair{
				Ours: one(func(ctx context.Context, d time.Duration) (float64, error) {
					return load(ctx, passwordCallers, d, func(ctx context.Context, caller, _ int) error { return call(ctx, f, caller) })
				}),
				Limit: one(func(ctx context.Context, d time.Duration) (float64, error) {
					if err := f.settled(ctx); err != nil {
						return 0, err
					}
					return load(ctx, runtime.NumCPU(), d, func(ctx context.Context, _, _ int) error {
						_, err := hasher.Verify(ctx, hash, benchPassword)
						return err
					})
				}),
			}, nil
		},
	}
}
