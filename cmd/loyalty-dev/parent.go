package main

import (
	"context"
	"os"
	"strings"
	"time"
)

// parentEvery is how often it is looked whether the parent is still there.
const parentEvery = 250 * time.Millisecond

// withParent returns a context that ends also when "go run" does, if that started this program: told to end by anything
// but Ctrl-C, "go run" leaves behind what it runs.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if !byGoRun() {
		return ctx, cancel
	}
	parent := os.Getppid()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(parentEvery)
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

// byGoRun reports whether this program lies where "go run" builds its own: below a go-build directory, the temporary or
// the cached one.
func byGoRun() bool {
	path, err := os.Executable()
	return err == nil && strings.Contains(path, "go-build")
}
