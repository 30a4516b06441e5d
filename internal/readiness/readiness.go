// Package readiness checks the dependencies of a service and logs when one becomes unavailable and when it is available
// again.
package readiness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

const (
	// readyInterval and unreadyInterval are the times between two rounds of Run while the service is ready and while it is not.
	readyInterval   = time.Second
	unreadyInterval = 200 * time.Millisecond
	// roundTimeout limits one round of checks.
	roundTimeout = 2 * time.Second
)

// Check is the check of one dependency.
type Check struct {
	// Dependency is the name of the dependency in the log, such as "Redis".
	Dependency string
	// Run returns an error if the dependency cannot be used. The error is logged, so it must not contain secrets.
	Run func(ctx context.Context) error
	// Silent disables the log lines of the check, for a dependency that logs its own outages.
	Silent bool
}

// Monitor runs checks; create it with New. It is safe for concurrent use.
type Monitor struct {
	service string
	log     *slog.Logger
	checks  []Check
	rounds  singleflight.Group

	mu        sync.Mutex
	since     []time.Time // when each dependency became unavailable; zero if it is available
	available []bool      // the last result of each check, false before the first round
	reasons   []string    // why each dependency is unavailable
	stopped   bool
	listeners map[string][]func(available bool)
}

// New returns a Monitor for a service.
func New(service string, log *slog.Logger, checks ...Check) *Monitor {
	return &Monitor{
		service: service, log: log, checks: checks, since: make([]time.Time, len(checks)),
		available: make([]bool, len(checks)), reasons: slices.Repeat([]string{"not checked yet"}, len(checks)),
		listeners: map[string][]func(bool){},
	}
}

// OnChange calls fn whenever a dependency becomes available or unavailable. Every dependency is unavailable before the first
// round of checks. fn must not block. Call OnChange before Check and Run.
func (m *Monitor) OnChange(dependency string, fn func(available bool)) {
	m.listeners[dependency] = append(m.listeners[dependency], fn)
}

// Check runs all checks and returns the error of the first one that fails, with the name of the service. Concurrent calls
// share one round. If ctx ends, Check returns its error, but the round continues.
func (m *Monitor) Check(ctx context.Context) error {
	round := m.rounds.DoChan("", func() (any, error) { return nil, m.round(context.WithoutCancel(ctx)) })
	select {
	case result := <-round:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status is the result of the last check of a dependency.
type Status struct {
	Dependency string
	Available  bool
	// Reason says why the dependency is unavailable. It is empty if the dependency is available.
	Reason string
}

// Status returns the results of the last round, in the order of the checks. Before the first round, every dependency is
// unavailable.
func (m *Monitor) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Status, len(m.checks))
	for i, c := range m.checks {
		all[i] = Status{Dependency: c.Dependency, Available: m.available[i], Reason: m.reasons[i]}
	}
	return all
}

// Run runs the checks repeatedly until ctx ends, and returns nil. It logs changes even if nobody calls Check. After Run has
// returned, the monitor ignores all results, because the service is closing its connections.
func (m *Monitor) Run(ctx context.Context) error {
	defer m.stop()
	for {
		interval := readyInterval
		if m.Check(ctx) != nil {
			interval = unreadyInterval
		}
		if backoff.Sleep(ctx, interval) != nil {
			return nil
		}
	}
}

func (m *Monitor) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
}

func (m *Monitor) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	results := make([]error, len(m.checks))
	var wg sync.WaitGroup
	for i, c := range m.checks {
		wg.Go(func() { results[i] = c.Run(ctx) })
	}
	wg.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	var first error
	for i, err := range results {
		m.record(i, err)
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %s: %w", m.service, m.checks[i].Dependency, err)
		}
	}
	return first
}

// record stores the result of a check and logs the beginning and the end of an outage. It does nothing after Run
// has returned.
func (m *Monitor) record(i int, err error) {
	if m.stopped {
		return
	}
	c, since := m.checks[i], m.since[i]
	m.reasons[i] = ""
	if err != nil {
		m.reasons[i] = reason(err)
	}
	if available := err == nil; available != m.available[i] {
		m.available[i] = available
		for _, fn := range m.listeners[c.Dependency] {
			fn(available)
		}
	}
	switch {
	case err != nil && since.IsZero():
		m.since[i] = time.Now()
		if !c.Silent {
			m.log.Warn("not ready: "+c.Dependency+" unavailable", "error", m.reasons[i])
		}
	case err == nil && !since.IsZero():
		m.since[i] = time.Time{}
		if !c.Silent {
			m.log.Info(c.Dependency+" available", "after", time.Since(since))
		}
	}
}

// reason returns the text of an error for the log. For a timeout it returns the duration instead, which is more useful.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", roundTimeout)
	}
	return err.Error()
}
