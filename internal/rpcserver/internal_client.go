package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// Delays between attempts. They double from minDelay to maxDelay, and vary by the fraction jitter.
const (
	minDelay = 20 * time.Millisecond
	maxDelay = 500 * time.Millisecond
	jitter   = 0.5
)

// DialConfig configures a client of internal RPCs.
type DialConfig struct {
	// Address is HOST:PORT, or dns://SERVER/HOST:PORT to resolve the host with the DNS server SERVER. Calls are distributed
	// over all addresses of the host.
	Address string
	// Token is the shared secret of the services; see InternalConfig.
	Token string
	// Attempts is the maximum number of attempts per call. Zero means 3. A call is repeated if the server was unavailable or
	// did not answer in time, so every call must be idempotent.
	Attempts uint
	// PerTry is the timeout of one attempt. Zero means two seconds. The caller's context limits all attempts together.
	PerTry time.Duration
	// TLS enables mutual TLS. Without TLS, calls are not encrypted, so the network must provide the encryption.
	TLS TLSFiles
	// Observer counts the calls. All attempts of a call count as one call. It is optional.
	Observer Observer
	// Tracer traces the calls. It is optional.
	Tracer *tracing.Tracer
}

// clientKeepalive is the interval of a client's keepalive pings. The client closes the connection to a replica that does not
// answer a ping within keepaliveTimeout.
const clientKeepalive = 10 * time.Second

// serviceConfig distributes calls over the replicas whose health service reports SERVING.
const serviceConfig = `{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}`

// maxReconnectDelay limits the delay between two attempts to connect to a replica, so that a restarted replica receives
// calls soon.
const maxReconnectDelay = 2 * time.Second

// DialInternal returns a client of internal RPCs that distributes calls round-robin over the serving replicas of the server.
// It resolves the name again when it loses a connection, for example at the maximum connection age of a server. It repeats a
// call that fails with Unavailable or DeadlineExceeded, usually on another replica. DialInternal itself does not connect;
// the first call does. It returns an error if cfg is incomplete or the TLS files cannot be used. The caller closes the
// connection. FromStatus converts the errors of calls.
func DialInternal(cfg DialConfig) (*grpc.ClientConn, error) {
	switch {
	case cfg.Address == "":
		return nil, errors.New("rpcserver: Address of the internal RPCs is not set")
	case len(cfg.Token) < MinInternalToken:
		return nil, fmt.Errorf("rpcserver: the internal token is shorter than %d bytes", MinInternalToken)
	case cfg.Attempts == 0:
		cfg.Attempts = 3
	}
	if cfg.PerTry == 0 {
		cfg.PerTry = 2 * time.Second
	}
	transport, err := cfg.TLS.credentials()
	if err != nil {
		return nil, err
	}
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay, reconnect.MaxDelay = 100*time.Millisecond, maxReconnectDelay
	conn, err := grpc.NewClient(cfg.Address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{"Bearer " + cfg.Token}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: clientKeepalive, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithDisableServiceConfig(), // ignores service configs in DNS
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: keepaliveTimeout}),
		grpc.WithIdleTimeout(0), // an idle client stays connected, so that its next call is fast
		grpc.WithChainUnaryInterceptor(observeCalls(orIgnore(cfg.Observer)), traceCalls(cfg.Tracer), sendRequestID),
		grpc.WithChainUnaryInterceptor(retry.UnaryClientInterceptor(
			retry.WithMax(cfg.Attempts),
			retry.WithPerRetryTimeout(cfg.PerTry),
			retry.WithCodes(codes.Unavailable, codes.DeadlineExceeded),
			retry.WithBackoff(retry.BackoffExponentialWithJitterBounded(minDelay, jitter, maxDelay)),
		)),
	)
	if err != nil {
		return nil, fmt.Errorf("rpcserver: internal RPCs at %s: %w", cfg.Address, err)
	}
	return conn, nil
}

// observeCalls counts calls with their result.
func observeCalls(o Observer) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, req, res any,
		conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		o.Started()
		defer o.Ended()
		start, code := time.Now(), codeOK
		err := invoke(ctx, method, req, res, conn, opts...)
		if err != nil {
			code = string(apperr.CodeOf(FromStatus(err)))
		}
		o.Answered(method, code, time.Since(start))
		return err
	}
}

// bearer sends the token with every call.
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

// FromStatus converts the error of a gRPC or Connect call to the *apperr.Error that the server returned. The code is
// DependencyUnavailable if the server was unavailable or the call was canceled or timed out, and Internal if the error has
// no error code of the platform. The code is also Internal if the server refused the internal token. TOKEN_INVALID would be
// wrong there, because it refers to the access token of a user. The original error is the cause. FromStatus returns nil for
// nil.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*apperr.Error](err); ok {
		return e
	}
	code, message, all := parse(err)
	for _, d := range all {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain && !isTokenError(info) {
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

// isTokenError reports whether an internal server refused the internal token.
func isTokenError(info *errdetails.ErrorInfo) bool {
	code := apperr.Code(info.GetReason())
	return code == apperr.TokenMissing || code == apperr.TokenInvalid
}

// parse returns the code, message and details of an error of gRPC, of Connect, or of a context.
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
		if slices.Contains(e.Code.Info().Members, name) { // a newer server may send more
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
