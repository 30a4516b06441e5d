//go:build unix

package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

// TestHangingServer checks that a call times out before its context ends.
func TestHangingServer(t *testing.T) {
	server := redistest.Start(t)
	client := server.Open(t)
	if err := set(t, client, "v"); err != nil {
		t.Fatal(err)
	}
	server.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // much longer than the client's timeout
	defer cancel()
	read := redis.Failure(client.Do(ctx, client.B().Get().Key("k").Build()).Error())
	write := redis.Failure(client.Do(ctx, client.B().Set().Key("k").Value("v").Build()).Error())
	if apperr.CodeOf(read) != apperr.DependencyUnavailable || apperr.CodeOf(write) != apperr.DependencyUnavailable {
		t.Errorf("read: %v, write: %v, want DEPENDENCY_UNAVAILABLE", read, write)
	}
	if ctx.Err() != nil {
		t.Error("the calls ended only when their context ended")
	}
}
