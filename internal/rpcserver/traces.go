package rpcserver

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// startTrace starts the span of a request. The span continues the trace of a trusted proxy. The trace of any other client
// only becomes a link of a new trace, because a client could choose the id of its trace and whether it is recorded.
func (s *Server) startTrace(r *http.Request, info *requestInfo) (*tracing.Span, *http.Request) {
	if !s.cfg.Tracer.Enabled() {
		return nil, r
	}
	ctx, given := r.Context(), r.Header.Get(tracing.Header)
	var links []trace.SpanStartOption
	if info.trusted {
		ctx = tracing.WithTraceparent(ctx, given)
	} else {
		links = tracing.LinkTo(given)
	}
	ctx, span := s.cfg.Tracer.Start(ctx, r.Method, trace.SpanKindServer, links...)
	return span, r.WithContext(ctx)
}

// endTrace ends the span of a request that was answered. name is the procedure or the route.
func endTrace(span *tracing.Span, info *requestInfo, name string) {
	if span == nil {
		return
	}
	if name != "" {
		span.Name(name)
	}
	span.Set("request_id", info.requestID)
	setResult(span, info.code(), info.err)
	span.End()
}

// setResult records the error code of a call. Only failures of the platform make the span a failure.
func setResult(span *tracing.Span, code string, err *apperr.Error) {
	span.Set("loyalty.code", code)
	if err != nil && isFailure(err) && code != codeCanceled {
		span.Fail(code)
	}
}

// trace starts the span of an internal call. It runs after the caller is authenticated, because only the services' traces
// are continued.
func (in *internal) trace(ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if !in.tracer.Enabled() || isHealthCheck(call.FullMethod) {
		return next(ctx, req)
	}
	if given := metadata.ValueFromIncomingContext(ctx, tracing.Header); len(given) == 1 {
		ctx = tracing.WithTraceparent(ctx, given[0])
	}
	ctx, span := in.tracer.Start(ctx, call.FullMethod[1:], trace.SpanKindServer)
	defer span.End()
	info := requestInfoFrom(ctx)
	info.span = trace.SpanContextFromContext(ctx)
	span.Set("request_id", info.requestID)
	res, err := next(ctx, req)
	if err == nil {
		setResult(span, codeOK, nil)
	} else {
		e := classify(ctx, err)
		setResult(span, string(e.Code), e)
	}
	return res, err
}

// traceCalls starts a span for each call and sends it to the server. All attempts of a call belong to one span.
func traceCalls(t *tracing.Tracer) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, req, res any,
		conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		ctx, span := t.Start(ctx, method[1:], trace.SpanKindClient)
		defer span.End()
		if traceparent := tracing.Traceparent(ctx); traceparent != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, tracing.Header, traceparent)
		}
		err := invoke(ctx, method, req, res, conn, opts...)
		if err == nil {
			setResult(span, codeOK, nil)
		} else if span != nil {
			e := apperr.From(FromStatus(err))
			setResult(span, string(e.Code), e)
		}
		return err
	}
}
