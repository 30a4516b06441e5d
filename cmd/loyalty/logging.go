package main

import (
	"io"
	"log/slog"

	"github.com/casino-loyalty/loyalty/internal/config"
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
