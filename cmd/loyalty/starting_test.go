package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// unreachable returns the error of a dependency that cannot be reached.
func unreachable(dependency string) error {
	err := &readiness.UnreachableError{Dependency: dependency, Err: errors.New("connection refused")}
	return fmt.Errorf("open: %w", err)
}

// TestConnect connects to dependencies whose state changes with time.
func TestConnect(t *testing.T) {
	errWrong := errors.New("wrong password")
	longest := connectPolicy().Max * 6 / 5 // the longest delay between two attempts
	type state struct {
		until time.Duration // since the start; 0: forever
		err   error
	}
	const lostDatabase = `level=WARN msg="not ready: database unavailable" setting=DATABASE error="connection refused"`
	const lostRedis = `level=WARN msg="not ready: Redis unavailable" setting=REDIS error="connection refused"`
	for name, tt := range map[string]struct {
		states []state
		want   error
		least  time.Duration // the call lasts at least this long, and at most two delays longer
		log    []string
	}{
		"everything runs":            {[]state{{0, nil}}, nil, 0, nil},
		"wrong setting":              {[]state{{0, errWrong}}, errWrong, 0, nil},
		"database becomes available": {[]state{{time.Hour, unreachable("database")}, {0, nil}}, nil, time.Hour, []string{lostDatabase, `"database available"`}},
		"database still starting":    {[]state{{time.Minute, unreachable("database")}, {80 * time.Second, errWrong}, {0, nil}}, nil, 80 * time.Second, []string{lostDatabase, `"database available"`}},
		"database, wrong password":   {[]state{{time.Minute, unreachable("database")}, {0, errWrong}}, errWrong, time.Minute - longest + settleTime, []string{lostDatabase}},
		"database, then Redis":       {[]state{{time.Minute, unreachable("database")}, {time.Hour, unreachable("Redis")}, {0, nil}}, nil, time.Hour, []string{lostDatabase, `"database available"`, lostRedis, `"Redis available"`}},
		"Redis, then database again": {[]state{{time.Minute, unreachable("Redis")}, {time.Hour, unreachable("database")}, {0, nil}}, nil, time.Hour, []string{lostRedis, lostDatabase, `"database available"`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newStarting("users", slog.New(slog.NewTextHandler(&log, nil)), []dependency{{"database", "DATABASE"}, {"Redis", "REDIS"}})
				start := time.Now()
				err := s.connect(t.Context(), func(context.Context) error {
					for _, st := range tt.states {
						if st.until == 0 || time.Since(start) < st.until {
							return st.err
						}
					}
					return nil
				})
				if took := time.Since(start); !errors.Is(err, tt.want) || took < tt.least || took > tt.least+2*longest {
					t.Errorf("connect = %v after %s, want %v after %s", err, took, tt.want, tt.least)
				}
				lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
				if log.Len() == 0 {
					lines = nil
				}
				if len(lines) != len(tt.log) {
					t.Fatalf("logged %q, want %q", lines, tt.log)
				}
				for i, want := range tt.log {
					if !strings.Contains(lines[i], want) {
						t.Errorf("line %d is %q, want %q", i, lines[i], want)
					}
				}
			})
		})
	}
}

// TestStopWhileWaiting stops a process that waits for its database.
func TestStopWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	closed := false
	err := process{
		name: "users", listen: "127.0.0.1:0", diagnostics: "127.0.0.1:0", timeout: time.Second,
		log: slog.New(slog.DiscardHandler), bus: fakeBus{close: func() { closed = true }},
		open: func(context.Context, event.Bus) (service, error) {
			cancel()
			return nil, unreachable(readiness.Database)
		},
	}.serve(ctx)
	if err != nil || !closed {
		t.Errorf("serve = %v, bus closed: %t, want no error and a closed bus", err, closed)
	}
}

// TestDependenciesWhileWaiting reads the diagnostics of a service that waits for its second dependency.
func TestDependenciesWhileWaiting(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s := newStarting("users", log, []dependency{{readiness.Bus, "BUS"}, {readiness.Database, "DATABASE"}, {readiness.Redis, "REDIS"}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_ = s.connect(ctx, func(context.Context) error {
		cancel()
		return unreachable(readiness.Database)
	})
	want := []readiness.Status{
		{Dependency: readiness.Bus, Available: true}, {Dependency: readiness.Database, Reason: "open: connection refused"},
		{Dependency: readiness.Redis, Reason: "not checked yet"},
	}
	if got := s.Dependencies(); !slices.Equal(got, want) || s.Ready(t.Context()) == nil {
		t.Errorf("dependencies %+v, want %+v", got, want)
	}
	families, err := s.Metrics().Gather()
	if err != nil || len(families) != 1 || len(families[0].GetMetric()) != len(want) {
		t.Fatalf("metrics %v, %v, want one with %d series", families, err, len(want))
	}
	up := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "dependency" {
				up[l.GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	for _, d := range want {
		if (up[d.Dependency] == 1) != d.Available {
			t.Errorf("loyalty_dependency_up of %s is %v", d.Dependency, up[d.Dependency])
		}
	}
}
