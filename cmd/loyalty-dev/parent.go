package main

import (
	"context"
	"os"
	"strings"
	"time"
)

// parentInterval is the time between two checks of the parent process.
const parentInterval = 250 * time.Millisecond

// withParent returns a context that also ends when the "go run" process that started this program ends. A signal other
// than Ctrl-C ends "go run" but not the program it started.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if !byGoRun() {
		return ctx, cancel
	}
	parent := os.Getppid()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(parentInterval)
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, func() { cancel(); <-ended }
}

// byGoRun reports whether "go run" built this program: its path then contains a go-build directory, temporary or cached.
func byGoRun() bool {
	path, err := os.Executable()
	return err == nil && strings.Contains(path, "go-build")
}
