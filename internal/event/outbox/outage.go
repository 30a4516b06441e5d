package outbox

import (
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// outageLogger logs the beginning and the end of an outage, and provides the delays between attempts.
type outageLogger struct {
	log       *slog.Logger
	component string // "database" or "bus"
	since     time.Time
	delays    *backoff.Delays
}

func newOutageLogger(log *slog.Logger, component string) *outageLogger {
	policy := backoff.Policy{Initial: 50 * time.Millisecond, Max: 5 * time.Second, Jitter: 0.5}
	return &outageLogger{log: log, component: component, delays: policy.Delays()}
}

// failed records a failure and logs the first one of an outage.
func (o *outageLogger) failed(err error) {
	if o.since.IsZero() {
		o.since = time.Now()
		o.log.Error("outbox: "+o.component+" unavailable, events wait", "error", err)
	}
}

// succeeded records a success and logs the end of an outage.
func (o *outageLogger) succeeded() {
	if !o.since.IsZero() {
		o.log.Info("outbox: "+o.component+" available again", "after", time.Since(o.since))
		o.since = time.Time{}
		o.delays.Reset()
	}
}
