package rpcserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// MinInternalToken is the least length, in bytes, of the token that services show each other.
const MinInternalToken = 16

// metadataRequestID is HeaderRequestID as gRPC metadata.
const metadataRequestID = "x-request-id"

// InternalConfig is what the server of internal RPCs needs.
type InternalConfig struct {
	// Token is what callers must show, at least 16 characters. It is a secret that all services share.
	Token string
	Log   *slog.Logger
	// MaxBody is how many bytes a request may have; zero is DefaultMaxBody.
	MaxBody int
}

// NewInternal returns a gRPC server for internal methods, with the health service registered. Requests and errors
// follow the same rules as in public. The caller registers its services, serves a listener that no gateway routes to,
// and stops it.
func NewInternal(cfg InternalConfig) (*grpc.Server, error) {
	switch {
	case len(cfg.Token) < MinInternalToken:
		return nil, fmt.Errorf("rpcserver: the internal token has less than %d characters", MinInternalToken)
	case cfg.Log == nil:
		return nil, errors.New("rpcserver: Log is not set")
	case cfg.MaxBody <= 0:
		cfg.MaxBody = DefaultMaxBody
	}
	v, err := validation.New()
	if err != nil {
		return nil, err
	}
	in := &internal{validator: v, token: sha256.Sum256([]byte(cfg.Token))}
	recovered := recovery.WithRecoveryHandlerContext(func(_ context.Context, p any) error {
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicked(), p))
	})
	log := logging.UnaryServerInterceptor(logger(cfg.Log),
		logging.WithLogOnEvents(logging.FinishCall),
		logging.WithCodes(callCode),
		logging.WithLevels(callLevel),
		logging.WithDisableLoggingFields(logging.SystemTag[0], logging.ComponentFieldKey, logging.MethodTypeFieldKey),
		logging.WithFieldsFromContext(func(ctx context.Context) logging.Fields {
			return logging.Fields{"request_id", requestInfoFrom(ctx).requestID}
		}),
	)
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(cfg.MaxBody),
		grpc.ChainUnaryInterceptor(
			in.begin, in.answer, log, recovery.UnaryServerInterceptor(recovered),
			auth.UnaryServerInterceptor(in.authenticate), in.validate,
		),
		grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovered)), // health's Watch
		grpc.NumStreamWorkers(streamWorkers),
	}
	server := grpc.NewServer(options...)
	healthv1.RegisterHealthServer(server, health.NewServer())
	return server, nil
}

// streamWorkers are goroutines that serve one call after the other, in whose stacks the interceptors and the validation fit
// already: to grow the stack of a new goroutine for each call took a tenth of the time of all. More calls at once than
// that have goroutines of their own.
const streamWorkers = 64

// internal holds what the interceptors of the internal server share.
type internal struct {
	validator *validation.Validator
	token     [sha256.Size]byte
}

// begin makes the exchange, with the caller's request id where it sends one.
func (in *internal) begin(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	id := ChooseRequestID(metadata.ValueFromIncomingContext(ctx, metadataRequestID))
	x := &requestInfo{requestID: id, start: time.Now()}
	return next(context.WithValue(ctx, requestInfoKey{}, x), req)
}

// answer turns errors into those that travel.
func (in *internal) answer(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	res, err := next(ctx, req)
	if err == nil {
		return res, nil
	}
	if _, ok := status.FromError(err); ok && apperr.CodeOf(err) == apperr.Internal {
		return nil, err // health's own
	}
	e := classify(ctx, err)
	st := status.New(codes.Code(e.Code.Info().RPC), detail(e))
	var all []protoadapt.MessageV1
	for _, m := range details(e, requestInfoFrom(ctx).requestID) {
		all = append(all, protoadapt.MessageV1Of(m))
	}
	if with, err := st.WithDetails(all...); err == nil {
		st = with
	}
	return nil, st.Err()
}

// authenticate compares the token in constant time. Health may be asked by anyone who reaches the listener.
func (in *internal) authenticate(ctx context.Context) (context.Context, error) {
	if method, _ := grpc.Method(ctx); strings.HasPrefix(method, "/grpc.health.v1.Health/") {
		return ctx, nil
	}
	token, err := auth.AuthFromMD(ctx, "bearer")
	if err != nil {
		return nil, apperr.New(apperr.TokenMissing, "the internal token is needed")
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

// logger lets the middleware write to slog. What it calls the error is the cause, of which the caller learns nothing.
func logger(log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(ctx context.Context, level logging.Level, msg string, fields ...any) {
		log.Log(ctx, slog.Level(level), msg, fields...)
	})
}

// callCode is the code that an error will travel with.
func callCode(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	if st, ok := status.FromError(err); ok {
		return st.Code()
	}
	return codes.Code(apperr.CodeOf(err).Info().RPC)
}

// callLevel is how much a status matters. Calls that went well are many, and of use only to who looks for one.
func callLevel(c codes.Code) logging.Level {
	switch c {
	case codes.OK:
		return logging.LevelDebug
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return logging.LevelError
	case codes.Unavailable, codes.DeadlineExceeded:
		return logging.LevelWarn
	default:
		return logging.LevelInfo
	}
}
