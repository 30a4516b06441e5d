package rpcserver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// MinInternalToken is the minimum length of the internal token, in bytes.
const MinInternalToken = 16

// metadataRequestID is the key of the request id in gRPC metadata; see HeaderRequestID.
const metadataRequestID = "x-request-id"

// InternalConfig configures a server of internal RPCs.
type InternalConfig struct {
	// Token is the secret that callers must send, at least MinInternalToken bytes. All services share it.
	Token string
	Log   *slog.Logger
	// MaxBody is the maximum size of a request, in bytes. Zero means limits.Body.
	MaxBody int
	// Reflection enables gRPC server reflection, which needs no token.
	Reflection bool
	// Health answers health checks. The caller sets its status. Clients of DialInternal send no calls to a server that is not
	// serving. If Health is nil, the server always reports that it is serving.
	Health *health.Server
	// MaxConnectionAge is the maximum age of a connection. The client then connects again and finds new replicas. Running calls
	// may finish within connectionGrace. Zero means 30 seconds.
	MaxConnectionAge time.Duration
	// TLS enables mutual TLS: a client must present a certificate that the CA has issued.
	TLS TLSFiles
	// Observer counts the calls, except health checks. It is optional.
	Observer Observer
	// AccessLog selects the calls that are logged. Health checks are never logged.
	AccessLog AccessLog
	// Tracer traces the calls, except health checks. It is optional.
	Tracer *tracing.Tracer
}

const (
	defaultConnectionAge = 30 * time.Second
	// connectionGrace is how long calls may continue on a connection that has reached its maximum age. It is longer than the
	// longest call.
	connectionGrace = 10 * time.Second
	// serverKeepalive and keepaliveTimeout detect a client that disappeared without closing its connection. minKeepalive is the
	// minimum interval of a client's pings. It is shorter than clientKeepalive.
	serverKeepalive  = 20 * time.Second
	keepaliveTimeout = 5 * time.Second
	minKeepalive     = clientKeepalive / 2
)

// NewInternal returns a gRPC server for internal methods, with the health service registered. It validates requests and
// converts errors as Server does. It returns an error if cfg is incomplete or the TLS files cannot be used. The caller
// registers its services, serves on a listener that the gateway does not expose, and stops the server.
func NewInternal(cfg InternalConfig) (*grpc.Server, error) {
	switch {
	case len(cfg.Token) < MinInternalToken:
		return nil, fmt.Errorf("rpcserver: the internal token is shorter than %d bytes", MinInternalToken)
	case cfg.Log == nil:
		return nil, errors.New("rpcserver: Log is not set")
	case cfg.MaxBody <= 0:
		cfg.MaxBody = limits.Body
	}
	if cfg.Health == nil {
		cfg.Health = health.NewServer()
	}
	transport, err := cfg.TLS.credentials()
	if err != nil {
		return nil, err
	}
	v, err := validation.New()
	if err != nil {
		return nil, err
	}
	in := &internal{
		validator: v, token: sha256.Sum256([]byte(cfg.Token)), observer: orIgnore(cfg.Observer), log: cfg.Log,
		access: cfg.AccessLog, tracer: cfg.Tracer,
	}
	recovered := recovery.WithRecoveryHandlerContext(func(_ context.Context, p any) error {
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicSite(), p))
	})
	options := []grpc.ServerOption{
		grpc.Creds(transport),
		grpc.MaxRecvMsgSize(cfg.MaxBody),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: cmp.Or(cfg.MaxConnectionAge, defaultConnectionAge), MaxConnectionAgeGrace: connectionGrace,
			Time: serverKeepalive, Timeout: keepaliveTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minKeepalive, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(
			in.begin, in.observe, in.answer, recovery.UnaryServerInterceptor(recovered),
			auth.UnaryServerInterceptor(in.authenticate), in.trace, in.validate,
		),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovered)), // for health Watch and reflection
		grpc.NumStreamWorkers(streamWorkers),
	}
	server := grpc.NewServer(options...)
	healthv1.RegisterHealthServer(server, cfg.Health)
	if cfg.Reflection {
		reflection.Register(server)
	}
	return server, nil
}

// streamWorkers is the number of goroutines that serve calls one after the other. Their stacks have already grown to the
// size that the interceptors and the validation need; growing the stack of a new goroutine took 10 % of the duration of a
// call. If all workers are busy, a call gets a new goroutine.
const streamWorkers = 64

// internal is the state that the interceptors of the internal server share.
type internal struct {
	validator *validation.Validator
	token     [sha256.Size]byte
	observer  Observer
	log       *slog.Logger
	access    AccessLog
	tracer    *tracing.Tracer
}

// begin creates the requestInfo. It uses the caller's request id if that is well-formed, and a new id otherwise.
func (in *internal) begin(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	id := ChooseRequestID(metadata.ValueFromIncomingContext(ctx, metadataRequestID))
	info := &requestInfo{requestID: id, start: time.Now()}
	return next(context.WithValue(ctx, requestInfoKey{}, info), req)
}

// observe counts and logs calls, except health checks.
func (in *internal) observe(
	ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	if isHealthCheck(call.FullMethod) {
		return next(ctx, req)
	}
	in.observer.Started()
	defer in.observer.Ended()
	res, err := next(ctx, req)
	info := requestInfoFrom(ctx)
	took := time.Since(info.start)
	in.observer.Answered(call.FullMethod, info.code(), took)
	in.access.write(trace.ContextWithSpanContext(ctx, info.span), in.log, info, call.FullMethod, took)
	return res, err
}

// isHealthCheck reports whether a method belongs to the gRPC health protocol.
func isHealthCheck(method string) bool { return strings.HasPrefix(method, "/grpc.health.v1.Health/") }

// answer converts the errors of calls to gRPC statuses. It also stores the error in the request info, for metrics.
func (in *internal) answer(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	res, err := next(ctx, req)
	if err == nil {
		return res, nil
	}
	if _, ok := status.FromError(err); ok && apperr.CodeOf(err) == apperr.Internal {
		return nil, err // the health service returned a gRPC status
	}
	e := classify(ctx, err)
	info := requestInfoFrom(ctx)
	info.err, info.gaveUp = e, gaveUp(ctx, info.start)
	st := status.New(codes.Code(e.Code.Info().RPC), detail(e))
	var all []protoadapt.MessageV1
	for _, m := range details(e, info.requestID) {
		all = append(all, protoadapt.MessageV1Of(m))
	}
	if detailed, err := st.WithDetails(all...); err == nil {
		st = detailed
	}
	return nil, st.Err()
}

// authenticate compares the token in constant time. The health service needs no token.
func (in *internal) authenticate(ctx context.Context) (context.Context, error) {
	if method, _ := grpc.Method(ctx); isHealthCheck(method) {
		return ctx, nil
	}
	token, err := auth.AuthFromMD(ctx, "bearer")
	if err != nil {
		return nil, apperr.New(apperr.TokenMissing, "the internal token is missing")
	}
	given := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(given[:], in.token[:]) != 1 {
		return nil, apperr.New(apperr.TokenInvalid, "the internal token is wrong")
	}
	return ctx, nil
}

func (in *internal) validate(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	if m, ok := req.(proto.Message); ok {
		all, err := in.validator.Check(m)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			return nil, apperr.InvalidAll(all)
		}
	}
	return next(ctx, req)
}
