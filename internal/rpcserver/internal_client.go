package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Pauses between attempts: 20 ms, doubling to half a second, each half as long again or as short.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 500 * time.Millisecond
	jitter     = 0.5
)

// DialConfig is what a client of internal RPCs needs.
type DialConfig struct {
	// Address is host:port, or any other target of gRPC.
	Address string
	// Token is what the server wants to see.
	Token string
	// Attempts is how often a call is tried in all; zero is 3. A call is tried again only when the server could not be
	// reached or did not answer in time, so it must be harmless to repeat.
	Attempts uint
	// PerTry is how long one attempt may take; zero is two seconds. The caller's context bounds them all together.
	PerTry time.Duration
}

// DialInternal returns a connection for internal RPCs. It connects when it is used and again after failures; the caller
// closes it, and puts its circuit breaker around its calls. Errors of calls are turned back by FromStatus. Encryption is
// the network's.
func DialInternal(cfg DialConfig) (*grpc.ClientConn, error) {
	switch {
	case cfg.Address == "":
		return nil, errors.New("rpcserver: the address of the internal RPCs is not set")
	case len(cfg.Token) < MinInternalToken:
		return nil, fmt.Errorf("rpcserver: the internal token has less than %d characters", MinInternalToken)
	case cfg.Attempts == 0:
		cfg.Attempts = 3
	}
	if cfg.PerTry == 0 {
		cfg.PerTry = 2 * time.Second
	}
	conn, err := grpc.NewClient(cfg.Address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer{"Bearer " + cfg.Token}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithDisableServiceConfig(),
		grpc.WithChainUnaryInterceptor(sendRequestID, retry.UnaryClientInterceptor(
			retry.WithMax(cfg.Attempts),
			retry.WithPerRetryTimeout(cfg.PerTry),
			retry.WithCodes(codes.Unavailable, codes.DeadlineExceeded),
			retry.WithBackoff(retry.BackoffExponentialWithJitterBounded(firstPause, jitter, mostPause)),
		)),
	)
	if err != nil {
		return nil, fmt.Errorf("rpcserver: internal RPCs at %s: %w", cfg.Address, err)
	}
	return conn, nil
}

// bearer shows the token with every call.
type bearer struct{ header string }

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": b.header}, nil
}

func (b bearer) RequireTransportSecurity() bool { return false }

func sendRequestID(
	ctx context.Context, method string, req, res any,
	conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	if id := RequestID(ctx); id != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, metadataRequestID, id)
	}
	return invoke(ctx, method, req, res, conn, opts...)
}

// FromStatus turns the error of a call, of gRPC or of Connect, back into the *apperr.Error that the server answered.
// What never reached a use case, or did not come back from it, is DependencyUnavailable; what has no code of ours is
// Internal, and so is a refusal of the secret that services show each other: it says nothing about the token of whoever
// called us. The original error is the cause. FromStatus of nil is nil.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*apperr.Error](err); ok {
		return e
	}
	code, message, all := parse(err)
	for _, d := range all {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain && !aboutTheSecret(info) {
			return restore(info, message, all).WithCause(err)
		}
	}
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return apperr.New(apperr.DependencyUnavailable, "").WithCause(err)
	default:
		return apperr.New(apperr.Internal, "").WithCause(err)
	}
}

// aboutTheSecret reports whether an internal server refused us and not the call.
func aboutTheSecret(info *errdetails.ErrorInfo) bool {
	code := apperr.Code(info.GetReason())
	return code == apperr.TokenMissing || code == apperr.TokenInvalid
}

// parse reads code, message and details from an error of gRPC, of Connect, or of a context.
func parse(err error) (codes.Code, string, []any) {
	var ce *connect.Error
	if !errors.As(err, &ce) {
		st := status.FromContextError(err)
		if s, ok := status.FromError(err); ok {
			st = s
		}
		return st.Code(), st.Message(), st.Details()
	}
	var all []any
	for _, d := range ce.Details() {
		if m, err := d.Value(); err == nil {
			all = append(all, m)
		}
	}
	return codes.Code(ce.Code()), ce.Message(), all
}

func restore(info *errdetails.ErrorInfo, message string, all []any) *apperr.Error {
	e := &apperr.Error{Code: apperr.Code(info.GetReason()), Detail: message}
	for name, value := range info.GetMetadata() {
		if name != metaRequestID {
			e = e.With(name, value)
		}
	}
	for _, d := range all {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			e.Violations = violations(d)
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	return e
}
