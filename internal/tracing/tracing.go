// Package tracing records OpenTelemetry spans and sends them to a collector over OTLP. A trace follows a request through the
// services, the outbox, the bus and the live connections: the context carries the current span within a process, and the
// W3C header traceparent carries it to the next one.
//
// Attributes of spans contain no personal data: no ids of players, addresses, arguments or texts of errors.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config configures a Tracer.
type Config struct {
	// Service is the name of the service in the traces, such as "users". Version is its version.
	Service, Version string
	// Endpoint is the URL of the collector's OTLP gRPC receiver, http://HOST:PORT, or https:// with TLS.
	Endpoint string
	// Sample is the fraction of the traces that are recorded, from 0 to 1. A trace that another service has started is recorded
	// if that service records it.
	Sample float64
	Log    *slog.Logger
}

const (
	// maxQueue is the maximum number of ended spans that wait for the collector. Further spans are dropped.
	maxQueue = 4096
	// batchInterval is the maximum time that a span waits for other spans.
	batchInterval = time.Second
	// exportTimeout limits one export. A failed export is not repeated.
	exportTimeout = 5 * time.Second
	// shutdownTimeout limits Shutdown.
	shutdownTimeout = 2 * time.Second
)

// Tracer starts spans. A nil Tracer starts none, but passes on the trace of the caller. It is safe for concurrent
// use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New returns a Tracer. It does not wait for the collector, which may be unavailable. The caller calls Shutdown.
func New(ctx context.Context, c Config) (*Tracer, error) {
	exporter, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpointURL(c.Endpoint),
		otlptracegrpc.WithTimeout(exportTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: false}),
	)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&outageExporter{SpanExporter: exporter, log: c.Log},
			sdk.WithMaxQueueSize(maxQueue), sdk.WithBatchTimeout(batchInterval), sdk.WithExportTimeout(exportTimeout)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Sample))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "loyalty-"+c.Service), attribute.String("service.version", c.Version))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/casino-loyalty/loyalty")}, nil
}

// Shutdown sends the waiting spans, for at most two seconds or until ctx ends. Spans that end afterwards are dropped.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	return nil
}

// Flush sends the waiting spans.
func (t *Tracer) Flush(ctx context.Context) error {
	if err := t.provider.ForceFlush(ctx); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	return nil
}

// Enabled reports whether the Tracer records spans.
func (t *Tracer) Enabled() bool { return t != nil }

// Span is an operation in a trace. A nil Span records nothing.
type Span struct{ span trace.Span }

// Start starts a span as a child of the span of ctx, or as the root of a new trace. It returns a context with the span. The
// caller ends the span.
func (t *Tracer) Start(
	ctx context.Context, name string, kind trace.SpanKind, options ...trace.SpanStartOption,
) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	options = append(options, trace.WithSpanKind(kind))
	ctx, span := t.tracer.Start(ctx, name, options...) //nolint:spancheck // the caller ends the span
	return ctx, &Span{span}                            //nolint:spancheck // the caller ends the span
}

// Child starts a span as a child of the span of ctx. Without a span in ctx it starts none.
func (t *Tracer) Child(ctx context.Context, name string, kind trace.SpanKind) (context.Context, *Span) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, nil
	}
	return t.Start(ctx, name, kind)
}

// Name changes the name of the span.
func (s *Span) Name(name string) {
	if s != nil {
		s.span.SetName(name)
	}
}

// Set adds an attribute to the span.
func (s *Span) Set(name, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(name, value))
	}
}

// Fail marks the operation as failed. The reason must not contain personal data.
func (s *Span) Fail(reason string) {
	if s != nil {
		s.span.SetStatus(codes.Error, reason)
	}
}

// End ends the span.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}
