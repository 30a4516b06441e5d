package main

import (
	"errors"
	"math"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestMemoryLimit checks the memory limit of the Go runtime for containers with and without a limit.
func TestMemoryLimit(t *testing.T) { //nolint:paralleltest // the limit is process-wide
	const unlimited = math.MaxInt64
	before := debug.SetMemoryLimit(unlimited)
	defer debug.SetMemoryLimit(before)
	none := func() (uint64, error) { return 0, errors.New("no container") }
	for _, step := range []struct {
		name, environment string
		container         memlimit.Provider
		want              int64
	}{
		{"no container", "", none, unlimited},
		{"container without a limit", "", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, unlimited},
		{"GOMEMLIMIT is set", "1GiB", memlimit.Limit(1000), unlimited},
		{"container with a limit", "", memlimit.Limit(1 << 30), 966367641},
	} {
		t.Run(step.name, func(t *testing.T) {
			if step.environment != "" {
				t.Setenv("GOMEMLIMIT", step.environment)
			}
			limitMemory(step.container)
			if got := debug.SetMemoryLimit(unlimited); got != step.want {
				t.Errorf("the memory limit is %d, want %d", got, step.want)
			}
		})
	}
}
