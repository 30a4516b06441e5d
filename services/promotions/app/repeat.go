package app

import (
	"context"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
)

const (
	// settleInterval and the time in which a claim must be paid add up to less than 30 seconds, the time after which no
	// reservation of a claim is left.
	settleInterval = 4 * time.Second
	// deadlineInterval is at most the delay of reminders and of the recorded expiry of assignments. Claims check the expiry
	// themselves.
	deadlineInterval = 5 * time.Second
	// jobInterval is how often a replica looks for jobs that have work. It bounds the time until another replica continues a
	// job.
	jobInterval = 500 * time.Millisecond
	// pruneJobsInterval is how often the rest of ended jobs is deleted.
	pruneJobsInterval = 10 * time.Minute
	// repeatTimeout limits one call of a repeated function.
	repeatTimeout = 30 * time.Second
)

// repeat returns a function that calls fn at once and then after each interval, until ctx ends. It logs errors, except those
// of an outage, which readiness logs. Every replica may run it.
func (a *App) repeat(what string, interval time.Duration, fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		return backoff.Every(ctx, interval, repeatTimeout, fn, func(err error) {
			if apperr.CodeOf(err) != apperr.DependencyUnavailable {
				a.log.Error(what+" failed", "error", err)
			}
		})
	}
}
