package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// connectPolicy is the policy for the attempts to connect to the dependencies.
func connectPolicy() backoff.Policy {
	return backoff.Policy{Initial: 200 * time.Millisecond, Max: 2 * time.Second, Jitter: 0.2}
}

// settleTime is the time after a readiness.UnreachableError during which connect retries after every error. A server that
// is just starting can answer with errors that otherwise mean wrong settings: a database does not exist yet, or too few
// brokers have joined.
const settleTime = 30 * time.Second

// dependency is a server that a service needs.
type dependency struct {
	// name is the name in a readiness.UnreachableError.
	name string
	// setting is the name of the setting with the server's address.
	setting string
}

// starting connects a service to its dependencies. Until the service is connected, starting represents it in the
// diagnostics. Its methods are safe for concurrent use.
type starting struct {
	*metrics.Registry
	log *slog.Logger
	// dependencies are in the order in which the service connects to them.
	dependencies []dependency

	mu      sync.Mutex
	missing int       // index of the dependency to which the service connects
	since   time.Time // when that dependency became unreachable; zero if the service has not tried to connect
	err     error     // why it is unreachable
}

func newStarting(name string, log *slog.Logger, dependencies []dependency) *starting {
	s := &starting{Registry: metrics.New(name), log: log, dependencies: dependencies, err: errors.New("not checked yet")}
	s.Registry.Dependencies(s.Dependencies)
	return s
}

// connect calls open until it succeeds. It retries after every readiness.UnreachableError, and after any other error within
// settleTime of the last readiness.UnreachableError. If it gives up or ctx ends, it returns the last error of open.
func (s *starting) connect(ctx context.Context, open func(context.Context) error) error {
	delays := connectPolicy().Delays()
	var unreachable time.Time // when open last returned a readiness.UnreachableError
	for {
		err := open(ctx)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.logFound()
			return nil
		}
		if e, ok := errors.AsType[*readiness.UnreachableError](err); ok {
			unreachable = time.Now()
			s.lost(e)
		}
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		if time.Since(unreachable) > settleTime || delays.Sleep(ctx) != nil {
			return err
		}
	}
}

// lost logs that a dependency is unreachable, unless it already was.
func (s *starting) lost(e *readiness.UnreachableError) {
	i := slices.IndexFunc(s.dependencies, func(d dependency) bool { return d.name == e.Dependency })
	s.mu.Lock()
	defer s.mu.Unlock()
	if i == s.missing && !s.since.IsZero() {
		return
	}
	if i > s.missing {
		s.logFound()
	}
	s.missing, s.since = i, time.Now()
	s.log.Warn("not ready: "+e.Dependency+" unavailable", "setting", s.dependencies[i].setting, "error", e.Error())
}

// logFound logs that the dependency that was unreachable is available. The caller holds the lock.
func (s *starting) logFound() {
	if !s.since.IsZero() {
		s.log.Info(s.dependencies[s.missing].name+" available", "after", time.Since(s.since))
	}
}

// Ready implements diagnostics.Component. It always returns an error.
func (s *starting) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Dependencies implements diagnostics.Component. Only the dependencies before the missing one are known to be available.
func (s *starting) Dependencies() []readiness.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]readiness.Status, len(s.dependencies))
	for i, d := range s.dependencies {
		all[i] = readiness.Status{Dependency: d.name, Available: i < s.missing}
		switch {
		case i == s.missing:
			all[i].Reason = s.err.Error()
		case i > s.missing:
			all[i].Reason = "not checked yet"
		}
	}
	return all
}
