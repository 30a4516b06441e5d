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
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

var threePerHour = ratelimit.Limit{N: 3, Per: time.Hour}

func TestAllow(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		for range threePerHour.N {
			if err := l.Allow(t.Context(), "a", threePerHour); err != nil {
				t.Fatal(err)
			}
		}
		err := l.Allow(t.Context(), "a", threePerHour)
		var refused *apperr.Error
		if !errors.As(err, &refused) || refused.Code != apperr.RateLimited {
			t.Fatalf("fourth event: error %v, want RATE_LIMITED", err)
		}
		if wait := refused.RetryAfter; wait < 19*time.Minute || wait > 20*time.Minute {
			t.Errorf("RetryAfter = %s, want about 20 minutes", wait)
		}
		if err := l.Allow(t.Context(), "b", threePerHour); err != nil {
			t.Errorf("another key: %v", err)
		}
	})
}

func TestRefund(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		for range 10 { // each event is refunded, so the limit is not reached
			if err := errors.Join(l.Allow(t.Context(), "a", threePerHour), l.Refund(t.Context(), "a", threePerHour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Refund(t.Context(), "a", threePerHour); err != nil { // a refund without an event gives no credit
			t.Fatal(err)
		}
		for i := range threePerHour.N + 1 {
			err := l.Allow(t.Context(), "a", threePerHour)
			if refused := err != nil; refused != (i == threePerHour.N) {
				t.Errorf("event %d: error %v, want only event %d refused", i+1, err, threePerHour.N+1)
			}
		}
	})
}

// remaining returns the number of events of key that are still allowed. It uses them up.
func remaining(t *testing.T, l *ratelimitredis.Limiter, key string) int {
	t.Helper()
	n := 0
	for ; ; n++ {
		err := l.Allow(t.Context(), key, threePerHour)
		if apperr.CodeOf(err) == apperr.RateLimited {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestShares(t *testing.T) {
	type step func(t *testing.T, l *ratelimitredis.Limiter) error
	allow := func(client string) step {
		return func(t *testing.T, l *ratelimitredis.Limiter) error {
			return l.AllowShare(t.Context(), "a", client, threePerHour)
		}
	}
	refund := func(client string) step {
		return func(t *testing.T, l *ratelimitredis.Limiter) error {
			return l.RefundShare(t.Context(), "a", client, threePerHour)
		}
	}
	clearShare := func(client string) step {
		return func(t *testing.T, l *ratelimitredis.Limiter) error {
			return l.ClearShare(t.Context(), "a", client, threePerHour)
		}
	}
	for name, tt := range map[string]struct {
		steps []step
		want  int // remaining events
	}{
		"used by two clients":             {[]step{allow("x"), allow("y")}, 1},
		"refunded":                        {[]step{allow("x"), allow("x"), refund("x")}, 2},
		"refunded more often than used":   {[]step{allow("x"), allow("y"), refund("x"), refund("x")}, 2},
		"refunded by another client":      {[]step{allow("x"), allow("x"), refund("y")}, 1},
		"cleared":                         {[]step{allow("x"), allow("x"), clearShare("x")}, 3},
		"cleared, used by another client": {[]step{allow("x"), allow("y"), allow("x"), clearShare("x")}, 2},
		"cleared by another client":       {[]step{allow("x"), allow("x"), clearShare("y")}, 1},
		"refunded after it was cleared":   {[]step{allow("x"), allow("y"), clearShare("x"), refund("x")}, 2},
		"used again after it was cleared": {[]step{allow("x"), clearShare("x"), allow("x")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, client rueidis.Client) {
				l := ratelimitredis.New(client)
				for i, step := range tt.steps {
					if err := step(t, l); err != nil {
						t.Fatalf("step %d: %v", i+1, err)
					}
				}
				if n := remaining(t, l, "a"); n != tt.want {
					t.Errorf("%d events remain, want %d", n, tt.want)
				}
			})
		})
	}
}

func TestRemember(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		remembers := func(client string) (version int64, known bool) {
			t.Helper()
			version, known, err := l.Remembers(t.Context(), "a", client)
			if err != nil {
				t.Fatal(err)
			}
			return version, known
		}
		if _, known := remembers("x"); known {
			t.Error("a client is known that was never remembered")
		}
		for _, version := range []int64{0, 7} {
			if err := l.Remember(t.Context(), "a", "x", version, time.Hour); err != nil {
				t.Fatal(err)
			}
			if got, known := remembers("x"); !known || got != version {
				t.Errorf("Remembers = %d, %t; want %d, true", got, known, version)
			}
			if _, known := remembers("y"); known {
				t.Error("another client is known")
			}
		}
		redistest.Expire(t, client, "known:*")
		if _, known := remembers("x"); known {
			t.Error("the client is known after the expiry")
		}
	})
}

func TestWaitIsBoundedAfterTheClockIsSetBack(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		tomorrow := strconv.FormatInt(time.Now().Add(24*time.Hour).UnixMicro(), 10)
		if err := client.Do(t.Context(), client.B().Set().Key("limit:a").Value(tomorrow).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		var refused *apperr.Error
		if err := l.Allow(t.Context(), "a", threePerHour); !errors.As(err, &refused) || refused.RetryAfter > 20*time.Minute {
			t.Errorf("error %v, want RATE_LIMITED for at most 20 minutes", err)
		}
	})
}

func TestAllowAfterTheInterval(t *testing.T) {
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
		t.Errorf("%d events were allowed in 10 s, want 3", allowed)
	}
}

func TestConcurrentEventsShareTheLimit(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		l := ratelimitredis.New(client)
		var allowed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if l.Allow(t.Context(), "a", threePerHour) == nil {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := allowed.Load(); n != int32(threePerHour.N) {
			t.Errorf("%d of 50 events were allowed, want %d", n, threePerHour.N)
		}
	})
}

func TestZeroLimitAllowsEverything(t *testing.T) {
	l := ratelimitredis.New(redistest.OpenEmbedded(t))
	for range 100 {
		if err := l.Allow(t.Context(), "a", ratelimit.Limit{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMethodsFailWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	l := ratelimitredis.New(server.Open(t))
	server.Kill()
	_, _, remembersErr := l.Remembers(t.Context(), "a", "client")
	for method, err := range map[string]error{
		"Remembers":   remembersErr,
		"Remember":    l.Remember(t.Context(), "a", "client", 1, time.Hour),
		"Allow":       l.Allow(t.Context(), "a", threePerHour),
		"AllowShare":  l.AllowShare(t.Context(), "a", "client", threePerHour),
		"Refund":      l.Refund(t.Context(), "a", threePerHour),
		"RefundShare": l.RefundShare(t.Context(), "a", "client", threePerHour),
		"ClearShare":  l.ClearShare(t.Context(), "a", "client", threePerHour),
	} {
		if apperr.CodeOf(err) != apperr.DependencyUnavailable {
			t.Errorf("%s: error %v, want DEPENDENCY_UNAVAILABLE", method, err)
		}
	}
}
