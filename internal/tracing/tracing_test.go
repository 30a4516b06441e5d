package tracing_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// TestCollectorOutage stops the collector and starts it again. The outage is one line when it begins and one when it ends.
func TestCollectorOutage(t *testing.T) {
	var log logstest.Buffer
	collector := tracingtest.Start(t)
	tracer, err := tracing.New(t.Context(), tracing.Config{
		Service: "users", Endpoint: collector.Endpoint(), Sample: 1, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	record := func(name string) {
		t.Helper()
		_, span := tracer.Start(t.Context(), name, trace.SpanKindInternal)
		span.End()
		_ = tracer.Flush(t.Context())
	}
	record("before")
	collector.Stop()
	for range 3 {
		record("during")
	}
	again := tracingtest.StartAt(t, collector.Addr())
	for log.Count("trace collector available again") == 0 && t.Context().Err() == nil {
		record("after")
	}
	again.Wait(t, "a span after the outage", func(spans []tracingtest.Span) bool { return len(spans) > 0 })
	if n := log.Count("trace collector unavailable"); n != 1 {
		t.Errorf("the outage is logged %d times, want once: %s", n, log.String())
	}
	if err := tracer.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if n := log.Count("trace collector"); n != 2 {
		t.Errorf("%d lines about the collector, want 2: %s", n, log.String())
	}
}

// TestTracerOff checks that a nil Tracer starts no span, and passes a trace on.
func TestTracerOff(t *testing.T) {
	const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var off *tracing.Tracer
	ctx, span := off.Start(tracing.WithTraceparent(t.Context(), given), "off", trace.SpanKindServer)
	span.Set("name", "value")
	span.Fail("reason")
	span.End()
	if got := tracing.Traceparent(ctx); got != given {
		t.Errorf("the trace is %q, want %q", got, given)
	}
	if err := off.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	allocs := testing.AllocsPerRun(100, func() {
		ctx, span := off.Start(context.Background(), "off", trace.SpanKindServer)
		span.End()
		_, span = off.Child(ctx, "off", trace.SpanKindServer)
		span.End()
		_ = tracing.Traceparent(ctx)
	})
	if allocs != 0 {
		t.Errorf("%v allocations without a tracer, want none", allocs)
	}
}

// TestTraceparent checks that malformed trace contexts are ignored.
func TestTraceparent(t *testing.T) {
	for _, malformed := range []string{
		"", "00", "00-00000000000000000000000000000000-b7ad6b7169203331-01", strings.Repeat("0", 55), "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	} {
		if got := tracing.Traceparent(tracing.WithTraceparent(t.Context(), malformed)); got != "" {
			t.Errorf("%q is read as %q", malformed, got)
		}
		if tracing.LinkTo(malformed) != nil {
			t.Errorf("%q is a link", malformed)
		}
	}
}
