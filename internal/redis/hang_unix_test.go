//go:build unix

package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redistest"
)

// TestHangingServer sees that nobody waits for ever, and that it is told from a caller who did not want to wait.
func TestHangingServer(t *testing.T) {
	server := redistest.Start(t)
	client := server.Open(t)
	if err := set(t, client, "v"); err != nil {
		t.Fatal(err)
	}
	server.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // much longer than it takes, so that it is not this
	defer cancel()
	read := redis.Failure(client.Do(ctx, client.B().Get().Key("k").Build()).Error())
	write := redis.Failure(client.Do(ctx, client.B().Set().Key("k").Value("v").Build()).Error())
	if apperr.CodeOf(read) != apperr.DependencyUnavailable || apperr.CodeOf(write) != apperr.DependencyUnavailable {
		t.Errorf("a read: %v, a write: %v; want DEPENDENCY_UNAVAILABLE", read, write)
	}
	if ctx.Err() != nil {
		t.Error("the client gave up only with its caller")
	}
}
