package rpcserver_test

import (
	"context"
	"errors"
	"sync"
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
				if got := len(logged(t, s.log().String(), request.id)); got != request.want {
					t.Errorf("%s: %d log lines, want %d", request.id, got, request.want)
				}
			}
		})
	}
}

// answeredCodes are the codes of all answers.
type answeredCodes struct {
	mu    sync.Mutex
	codes []string
}

func (*answeredCodes) Started() {}
func (*answeredCodes) Ended()   {}

func (a *answeredCodes) Answered(_, code string, _ time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codes = append(a.codes, code)
}

func (a *answeredCodes) last() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.codes) == 0 {
		return ""
	}
	return a.codes[len(a.codes)-1]
}

// TestClientsThatGiveUpAreNoFailures sends calls to a use case that hangs. A deadline of the client must not be counted or
// logged as a failure of the platform, because everybody can set one; the timeout of the server must.
func TestClientsThatGiveUpAreNoFailures(t *testing.T) {
	const get = "/loyalty.promotions.v1.PromotionService/GetPromotion"
	for name, tt := range map[string]struct {
		timeout          time.Duration
		line, body       string
		header, wantCode string
		wantLines        int
	}{
		"deadline of a Connect client": {
			time.Minute, "POST " + get, `{"promotion_id":"` + thingID + `"}`, "Connect-Timeout-Ms: 20", "CANCELED", 0,
		},
		"timeout of the server": {
			20 * time.Millisecond, "GET " + promotions + "/" + thingID, "", "Accept: */*", "DEPENDENCY_UNAVAILABLE", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			counted := &answeredCodes{}
			s := start(t, func(c *rpcserver.Config) {
				c.Timeout, c.Observer, c.AccessLog = tt.timeout, counted, rpcserver.AccessLog{Slow: time.Hour}
			})
			s.hangs = true
			s.call(t, tt.line, "staff", tt.body, tt.header, "X-Request-Id: the-request")
			if got := len(logged(t, s.log().String(), "the-request")); got != tt.wantLines {
				t.Errorf("%d log lines, want %d", got, tt.wantLines)
			}
			if got := counted.last(); got != tt.wantCode {
				t.Errorf("counted as %q, want %s", got, tt.wantCode)
			}
		})
	}
}
