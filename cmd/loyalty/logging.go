package main

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// logFormat is the format of the log lines.
type logFormat string

const (
	logJSON logFormat = "json"
	logText logFormat = "text"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *logFormat) UnmarshalText(text []byte) error {
	*f = logFormat(text)
	return config.OneOf(string(text), string(logJSON), string(logText))
}

// logSettings are the settings of every command that logs.
type logSettings struct {
	Level  slog.Level `env:"LOYALTY_LOG_LEVEL"  envDefault:"INFO"`
	Format logFormat  `env:"LOYALTY_LOG_FORMAT" envDefault:"json"`
}

// logger returns a logger that writes to w. It writes durations with a unit, such as "1.5s".
func (s logSettings) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.Level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if s.Format == logText {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// accessMode selects the requests that are logged.
type accessMode string

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *accessMode) UnmarshalText(text []byte) error {
	*m = accessMode(text)
	return config.OneOf(string(text), string(rpcserver.AccessErrors), string(rpcserver.AccessAll), string(rpcserver.AccessOff))
}

// accessLogSettings are the settings of the log lines of requests.
type accessLogSettings struct {
	Mode accessMode    `env:"LOYALTY_ACCESS_LOG"      envDefault:"errors"`
	Slow time.Duration `env:"LOYALTY_ACCESS_LOG_SLOW" envDefault:"1s"`
}

// Check returns an error if the limit of slow requests is not positive.
func (s accessLogSettings) Check() error {
	if s.Slow <= 0 {
		return errors.New("LOYALTY_ACCESS_LOG_SLOW must be positive, for example 1s")
	}
	return nil
}

func (s accessLogSettings) accessLog() rpcserver.AccessLog {
	return rpcserver.AccessLog{Mode: rpcserver.AccessMode(s.Mode), Slow: s.Slow}
}
