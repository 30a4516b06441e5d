package tracing

import (
	"context"
	"log/slog"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// outageExporter logs when the collector becomes unavailable and when it is available again, instead of every failed export.
// The SDK exports one batch at a time.
type outageExporter struct {
	sdk.SpanExporter
	log   *slog.Logger
	since time.Time // when the collector became unavailable; zero if it is available
}

// ExportSpans implements sdk.SpanExporter. It returns no error, because the SDK would log it.
func (o *outageExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := o.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && o.since.IsZero():
		o.since = time.Now()
		o.log.Warn("trace collector unavailable, spans are dropped", "error", err)
	case err == nil && !o.since.IsZero():
		o.log.Info("trace collector available again", "after", time.Since(o.since))
		o.since = time.Time{}
	}
	return nil
}
