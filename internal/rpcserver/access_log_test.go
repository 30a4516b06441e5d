package rpcserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestAccessLog checks which requests each mode logs, on the public and on the internal server.
func TestAccessLog(t *testing.T) {
	const never = time.Hour
	for name, tt := range map[string]struct {
		access                            rpcserver.AccessLog
		success, refusal, failure, outage int
	}{
		"errors":           {rpcserver.AccessLog{Slow: never}, 0, 0, 1, 1},
		"errors, all slow": {rpcserver.AccessLog{Mode: rpcserver.AccessErrors, Slow: time.Nanosecond}, 1, 1, 1, 1},
		"all":              {rpcserver.AccessLog{Mode: rpcserver.AccessAll, Slow: never}, 1, 1, 1, 1},
		"off":              {rpcserver.AccessLog{Mode: rpcserver.AccessOff, Slow: time.Nanosecond}, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *rpcserver.Config) { c.AccessLog = tt.access })
			for _, request := range []struct {
				id   string
				err  error
				want int
			}{
				{"the-success", nil, tt.success},
				{"the-refusal", apperr.New(apperr.PromotionExpired, "over"), tt.refusal},
				{"the-failure", errors.New("broken"), tt.failure},
				{"the-outage", apperr.New(apperr.DependencyUnavailable, "").WithCause(context.DeadlineExceeded), tt.outage},
			} {
				s.fail(request.err)
				s.call(t, "GET "+promotions, "staff", "", "X-Request-Id: "+request.id)
				if got := len(logged(t, s.log.String(), request.id)); got != request.want {
					t.Errorf("%s: %d log lines, want %d", request.id, got, request.want)
				}
			}
		})
	}
}
