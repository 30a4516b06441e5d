package ratelimitredis_test

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/ratelimit/ratelimitredis"
	"github.com/casino-loyalty/loyalty/internal/redistest"
)

var threeAnHour = ratelimit.Limit{N: 3, Per: time.Hour}

func TestAllow(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		for range threeAnHour.N {
			if err := l.Allow(t.Context(), "a", threeAnHour); err != nil {
				t.Fatal(err)
			}
		}
		err := l.Allow(t.Context(), "a", threeAnHour)
		var refused *apperr.Error
		if !errors.As(err, &refused) || refused.Code != apperr.RateLimited {
			t.Fatalf("the fourth is answered with %v, want RATE_LIMITED", err)
		}
		if wait := refused.RetryAfter; wait < 19*time.Minute || wait > 20*time.Minute {
			t.Errorf("the next is allowed in %s, want some 20 minutes", wait)
		}
		if err := l.Allow(t.Context(), "b", threeAnHour); err != nil {
			t.Errorf("another key: %v", err)
		}
	})
}

func TestReturn(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		for range 10 { // each one is taken back, so the limit is never met
			if err := errors.Join(l.Allow(t.Context(), "a", threeAnHour), l.Refund(t.Context(), "a", threeAnHour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Refund(t.Context(), "a", threeAnHour); err != nil { // one more than were counted gives no credit
			t.Fatal(err)
		}
		for i := range threeAnHour.N + 1 {
			err := l.Allow(t.Context(), "a", threeAnHour)
			if refused := err != nil; refused != (i == threeAnHour.N) {
				t.Errorf("attempt %d: %v", i+1, err)
			}
		}
	})
}

func TestAClockThatIsSetBackLocksNobodyOut(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		tomorrow := strconv.FormatInt(time.Now().Add(24*time.Hour).UnixMicro(), 10)
		if err := client.Do(t.Context(), client.B().Set().Key("limit:a").Value(tomorrow).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		var refused *apperr.Error
		if err := l.Allow(t.Context(), "a", threeAnHour); !errors.As(err, &refused) || refused.RetryAfter > 20*time.Minute {
			t.Errorf("answered with %v, want to wait for 20 minutes at most", err)
		}
	})
}

func TestTimeAllowsAgain(t *testing.T) {
	l := ratelimitredis.New(redistest.Start(t).Open(t))
	quick := ratelimit.Limit{N: 1, Per: 20 * time.Millisecond}
	allowed := 0
	for deadline := time.Now().Add(10 * time.Second); allowed < 3 && time.Now().Before(deadline); {
		if err := l.Allow(t.Context(), "a", quick); err == nil {
			allowed++
		} else if apperr.CodeOf(err) != apperr.RateLimited {
			t.Fatal(err)
		}
	}
	if allowed < 3 {
		t.Errorf("%d were allowed in ten seconds, want one every 20 ms", allowed)
	}
}

func TestParallelAttemptsShareTheLimit(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		var allowed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if l.Allow(t.Context(), "a", threeAnHour) == nil {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := allowed.Load(); n != int32(threeAnHour.N) {
			t.Errorf("%d of 50 were allowed, want %d", n, threeAnHour.N)
		}
	})
}

func TestWithoutLimit(t *testing.T) {
	l := ratelimitredis.New(redistest.OpenEmbedded(t))
	for range 100 {
		if err := l.Allow(t.Context(), "a", ratelimit.Limit{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedisAway(t *testing.T) {
	server := redistest.Start(t)
	l := ratelimitredis.New(server.Open(t))
	server.Kill()
	if err := l.Allow(t.Context(), "a", threeAnHour); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}
