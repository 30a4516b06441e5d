package rpcserver

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// AccessMode selects the requests that are logged.
type AccessMode string

const (
	// AccessErrors logs failures of the platform and slow requests. It is the default.
	AccessErrors AccessMode = "errors"
	// AccessAll logs every request.
	AccessAll AccessMode = "all"
	// AccessOff logs no request.
	AccessOff AccessMode = "off"
)

// DefaultSlow is the default of AccessLog.Slow.
const DefaultSlow = time.Second

// AccessLog configures the log lines of requests.
type AccessLog struct {
	// Mode is empty for AccessErrors.
	Mode AccessMode
	// Slow is the duration from which AccessErrors logs a request. Zero means DefaultSlow.
	Slow time.Duration
}

// wants reports whether a request with a log level and a duration is logged. Only failures of the platform have a level
// above Info.
func (a AccessLog) wants(level slog.Level, took time.Duration) bool {
	switch a.Mode {
	case AccessAll:
		return true
	case AccessOff:
		return false
	case AccessErrors:
	}
	return level > slog.LevelInfo || took >= cmp.Or(a.Slow, DefaultSlow)
}

// write writes the log line of a request, if it is to be logged. The line contains no body, query, header or token.
func (a AccessLog) write(
	ctx context.Context, log *slog.Logger, info *requestInfo, name string, took time.Duration, more ...slog.Attr,
) {
	level := level(info)
	if !a.wants(level, took) {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("method", name), slog.String("request_id", info.requestID),
		slog.Float64("duration_ms", milliseconds(took)), slog.String("code", info.code()),
	}, more...)
	if info.caller != "" {
		attrs = append(attrs, slog.String("caller", info.caller))
	}
	if info.err != nil && isFailure(info.err) {
		attrs = append(attrs, slog.String("error", info.err.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// isFailure reports whether an error is a failure of the platform, not of the client.
func isFailure(e *apperr.Error) bool {
	return e.Code == apperr.Internal || e.Code == apperr.DependencyUnavailable
}

// milliseconds returns a duration in milliseconds, rounded down to whole microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
