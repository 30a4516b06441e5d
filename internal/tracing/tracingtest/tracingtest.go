// Package tracingtest runs a collector that keeps the spans that it receives over OTLP.
package tracingtest

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// Span is a received span.
type Span struct {
	// Service is the name of the service that recorded the span.
	Service string
	// Name is the name of the operation.
	Name string
	// Trace, ID and Parent are hexadecimal ids. Parent is empty for the root of a trace.
	Trace, ID, Parent string
	// Links are the ids of linked traces.
	Links []string
	// Attributes are the values of the attributes with texts.
	Attributes map[string]string
	// Failed is true if the operation failed.
	Failed bool
}

// Collector receives spans. It is safe for concurrent use.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	address string
	server  *grpc.Server

	mu      sync.Mutex
	spans   []Span
	changed chan struct{} // closed when spans arrive
}

// Start runs a collector until the test ends or Stop is called.
func Start(t testing.TB) *Collector { return StartAt(t, "127.0.0.1:0") }

// StartAt runs a collector on an address.
func StartAt(t testing.TB, address string) *Collector {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{address: listener.Addr().String(), server: grpc.NewServer(), changed: make(chan struct{})}
	collector.RegisterTraceServiceServer(c.server, c)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = c.server.Serve(listener) // it fails only if the test stops the server
	}()
	t.Cleanup(func() {
		c.server.Stop()
		<-served
	})
	return c
}

// Addr returns the address of the collector, as "host:port".
func (c *Collector) Addr() string { return c.address }

// Endpoint returns the URL of the collector.
func (c *Collector) Endpoint() string { return "http://" + c.address }

// Stop stops the collector.
func (c *Collector) Stop() { c.server.Stop() }

// Export implements the OTLP trace service.
func (c *Collector) Export(
	_ context.Context, r *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range r.GetResourceSpans() {
		service := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, read(service, s))
			}
		}
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return &collector.ExportTraceServiceResponse{}, nil
}

func read(service string, s *tracev1.Span) Span {
	span := Span{
		Service: service, Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
		Parent: hex.EncodeToString(s.GetParentSpanId()), Attributes: map[string]string{},
		Failed: s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
	}
	for _, l := range s.GetLinks() {
		span.Links = append(span.Links, hex.EncodeToString(l.GetTraceId()))
	}
	for _, a := range s.GetAttributes() {
		span.Attributes[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return span
}

// Spans returns the received spans.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// waitTimeout limits Wait.
const waitTimeout = time.Minute

// Wait waits until find returns true for the received spans.
func (c *Collector) Wait(t testing.TB, what string, find func([]Span) bool) {
	t.Helper()
	timeout := time.After(waitTimeout)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if find(c.Spans()) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%s did not arrive; received %+v", what, c.Spans())
		}
	}
}
