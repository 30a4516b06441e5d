package kafka

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/logs"
)

// outages logs the outages of brokers: one line when a broker becomes unavailable and one when it is available again. All
// clients of a bus share it. It is the clients' logger too, because a client logs every failed attempt.
type outages struct {
	log     *slog.Logger
	repeats *logs.Repeats

	mu    sync.Mutex
	since map[string]time.Time // when each unavailable broker became unavailable, by address
}

var (
	_ kgo.HookBrokerConnect = (*outages)(nil)
	_ kgo.Logger            = (*outages)(nil)
)

func newOutages(log *slog.Logger) *outages {
	return &outages{log: log, repeats: logs.NewRepeats(time.Now), since: map[string]time.Time{}}
}

// OnBrokerConnect implements kgo.HookBrokerConnect. A client calls it after every attempt to connect.
func (o *outages) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return // the client is closing
	}
	broker := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	o.mu.Lock()
	defer o.mu.Unlock()
	since, away := o.since[broker]
	switch {
	case err != nil && !away:
		o.since[broker] = time.Now()
		o.log.Warn("broker unavailable", "broker", broker, "error", err)
	case err == nil && away:
		delete(o.since, broker)
		o.repeats.Reset()
		o.log.Info("broker available again", "broker", broker, "after", time.Since(since))
	}
}

// failed logs a failure that is repeated until it ends. While a broker is unavailable, failures are expected, and failed
// logs them at the debug level.
func (o *outages) failed(log *slog.Logger, level slog.Level, msg string, args ...any) {
	o.mu.Lock()
	if len(o.since) > 0 {
		level = slog.LevelDebug
	}
	o.mu.Unlock()
	o.repeats.Log(context.Background(), log, level, msg, args...)
}

// Level implements kgo.Logger. It returns the client's info level if debug logging is enabled, and its warning level
// otherwise. At its info level the client logs every rebalance.
func (o *outages) Level() kgo.LogLevel {
	if o.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger. It writes the client's info messages at the debug level. It does the same with messages about
// failed connections, because OnBrokerConnect reports them.
func (o *outages) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
	case kgo.LogLevelNone, kgo.LogLevelInfo, kgo.LogLevelDebug:
	}
	if strings.HasPrefix(msg, "unable to open connection to broker") {
		to = slog.LevelDebug
	}
	o.failed(o.log, to, msg, keyvals...)
}
