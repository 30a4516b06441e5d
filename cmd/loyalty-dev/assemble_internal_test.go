package main

import (
	"context"
	"errors"
	"testing"
)

func TestAwaitReady(t *testing.T) {
	t.Parallel()
	errNotReady := errors.New("no connection to the database")
	checks := 0
	late := func(context.Context) error {
		checks++
		if checks < 3 {
			return errNotReady
		}
		return nil
	}
	ready := func(context.Context) error { return nil }
	if err := awaitReady(t.Context(), map[string]func(context.Context) error{"a": late, "b": ready}); err != nil || checks != 3 {
		t.Errorf("awaitReady = %v after %d checks, want nil after 3", err, checks)
	}

	ctx, cancel := context.WithCancel(t.Context())
	never := func(context.Context) error {
		cancel()
		return errNotReady
	}
	if err := awaitReady(ctx, map[string]func(context.Context) error{"a": never}); !errors.Is(err, errNotReady) {
		t.Errorf("awaitReady = %v after the context has ended, want %v", err, errNotReady)
	}
}
