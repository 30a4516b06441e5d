package main

import (
	"context"
	"os"
	"strings"
	"time"
)

// parentInterval is the time between two checks of the parent process.
const parentInterval = 250 * time.Millisecond

// withParent returns a context that ends with ctx. If "go run" started this program, the context also ends when the "go run"
// process ends. This is necessary because a signal other than Ctrl-C ends only "go run". The returned function cancels the
// context and waits for the goroutine that checks the parent.
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

// byGoRun reports whether "go run" built this program. The path of such a program contains a go-build directory, temporary
// or cached.
func byGoRun() bool {
	path, err := os.Executable()
	return err == nil && strings.Contains(path, "go-build")
}
