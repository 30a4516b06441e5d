//go:build !linux

package main

import (
	"errors"
	"time"
)

// cpuTime returns an error: only Linux has a CPU clock for other processes.
func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
