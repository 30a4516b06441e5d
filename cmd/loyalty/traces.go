package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// traceSettings are the settings of traces. Without an endpoint nothing is traced.
type traceSettings struct {
	// Endpoint is the URL of the OTLP gRPC receiver of a trace store.
	Endpoint config.HTTPURL `env:"LOYALTY_TRACES_ENDPOINT"`
	// Sample is the fraction of the requests that are traced.
	Sample float64 `env:"LOYALTY_TRACES_SAMPLE" envDefault:"1"`
}

// Check returns an error if the fraction is out of range.
func (s traceSettings) Check() error {
	if !(s.Sample >= 0 && s.Sample <= 1) {
		return errors.New("LOYALTY_TRACES_SAMPLE must be a number from 0 to 1")
	}
	return nil
}

// tracer returns the tracer of a service. It is nil without an endpoint.
func (s traceSettings) tracer(ctx context.Context, service string, log *slog.Logger) (*tracing.Tracer, error) {
	if s.Endpoint == "" {
		return nil, nil //nolint:nilnil // a nil Tracer traces nothing
	}
	return tracing.New(ctx, tracing.Config{
		Service: service, Version: buildinfo.Read().Version, Endpoint: string(s.Endpoint), Sample: s.Sample, Log: log,
	})
}
