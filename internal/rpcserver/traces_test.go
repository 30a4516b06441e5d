package rpcserver_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"testing"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// newTracer returns a tracer of a service, and a collector that receives its spans.
func newTracer(t *testing.T, service string, sample float64) (*tracing.Tracer, *tracingtest.Collector) {
	t.Helper()
	c := tracingtest.Start(t)
	tracer, err := tracing.New(t.Context(), tracing.Config{
		Service: service, Endpoint: c.Endpoint(), Sample: sample, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, c
}

const (
	givenTrace  = "0af7651916cd43dd8448eb211c80319c"
	givenParent = "b7ad6b7169203331"
	given       = "traceparent: 00-" + givenTrace + "-" + givenParent + "-01"
)

// TestTraceOfRequest checks that a trace from outside is continued only if a trusted proxy sent it, and that each request has
// one span without personal data.
func TestTraceOfRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted        bool
		header, parent string
		links          []string
	}{
		"trusted proxy":                  {trusted: true, header: given, parent: givenParent},
		"any client":                     {header: given, links: []string{givenTrace}},
		"without a trace":                {trusted: true, header: "x: y"},
		"malformed, from a proxy":        {trusted: true, header: "traceparent: 00-zz-zz-01"},
		"malformed, from another client": {header: "traceparent: 00-zz-zz-01"},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, collector := newTracer(t, "promotions", 1)
			s := start(t, func(c *rpcserver.Config) {
				c.Tracer = tracer
				if !tt.trusted {
					c.TrustedProxies = nil
				}
			})
			s.call(t, "GET "+promotions+"/"+thingID, "staff", "", tt.header, "X-Request-Id: the-request")
			if err := tracer.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			spans := collector.Spans()
			if len(spans) != 1 {
				t.Fatalf("received %+v, want one span", spans)
			}
			span := spans[0]
			if span.Service != "loyalty-promotions" || span.Name != "loyalty.promotions.v1.PromotionService/GetPromotion" {
				t.Errorf("the span is %s of %s", span.Name, span.Service)
			}
			if span.Parent != tt.parent || !slices.Equal(span.Links, tt.links) || (span.Trace == givenTrace) != (tt.parent != "") {
				t.Errorf("the span is %+v, want the parent %q and links %v", span, tt.parent, tt.links)
			}
			if len(span.Attributes) != 2 || span.Attributes["request_id"] != "the-request" || span.Attributes["loyalty.code"] != "OK" {
				t.Errorf("the attributes are %v, want the request id and the code", span.Attributes)
			}
		})
	}
}

// TestUnsampledTrace checks that a trace that a trusted proxy does not record is not recorded.
func TestUnsampledTrace(t *testing.T) {
	for name, tt := range map[string]struct {
		sample float64
		header string
		want   int
	}{
		"ratio 0":                 {0, "x: y", 0},
		"ratio 0, proxy records":  {0, given, 1},
		"ratio 1, proxy does not": {1, given[:len(given)-1] + "0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, collector := newTracer(t, "promotions", tt.sample)
			s := start(t, func(c *rpcserver.Config) { c.Tracer = tracer })
			s.call(t, "GET "+promotions+"/"+thingID, "staff", "", tt.header)
			s.served.Wait()
			if err := tracer.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := len(collector.Spans()); got != tt.want {
				t.Errorf("%d spans, want %d", got, tt.want)
			}
		})
	}
}

// TestTraceOfInternalCall checks that the server continues the client's trace, that the log line has the trace id, and that a
// caller with a wrong token cannot add to a trace.
func TestTraceOfInternalCall(t *testing.T) {
	tracer, collector := newTracer(t, "users", 1)
	var log logstest.Buffer
	failure := apperr.New(apperr.DependencyUnavailable, "")
	server := tracedLedger(t, tracer, slog.New(tracing.LogHandler(slog.NewTextHandler(&log, nil))), failure)
	for _, token := range []string{internalToken, "a-wrong-token-of-length"} {
		conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: server, Token: token, Attempts: 1, Tracer: tracer})
		if err != nil {
			t.Fatal(err)
		}
		ctx, root := tracer.Start(t.Context(), "root of "+token, 0)
		if _, err := usersv1.NewLedgerServiceClient(conn).AddTransaction(ctx, credit()); err == nil {
			t.Error("the call succeeded")
		}
		root.End()
		_ = conn.Close()
	}
	if err := tracer.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	byID := map[string]tracingtest.Span{}
	served := 0
	for _, s := range collector.Spans() {
		byID[s.ID] = s
	}
	for _, s := range byID {
		parent := byID[s.Parent]
		if s.Name == parent.Name { // the server's span is the child of the client's
			served++
			if root := byID[parent.Parent]; root.Name != "root of "+internalToken || !s.Failed || !parent.Failed {
				t.Errorf("the server's span is %+v, the client's %+v, the root %+v", s, parent, root)
			}
			if log.Count("trace_id="+s.Trace) != 1 {
				t.Errorf("the log does not have the trace id: %s", log.String())
			}
		}
	}
	if served != 1 || len(byID) != 5 {
		t.Errorf("%d spans of the server among %d, want 1 among 5: %+v", served, len(byID), byID)
	}
}

// tracedLedger serves a ledger that fails, and returns its address.
func tracedLedger(t *testing.T, tracer *tracing.Tracer, log *slog.Logger, failure error) string {
	t.Helper()
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: internalToken, Log: log, Tracer: tracer})
	if err != nil {
		t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(server, &ledger{
		answer: func(context.Context, int32, *usersv1.AddTransactionRequest) error { return failure },
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return listener.Addr().String()
}
