package rpcserver

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Domain is the domain of google.rpc.ErrorInfo in errors of the platform. The reason is an error code of the schema.
const Domain = "loyalty"

// defaultRetryAfter is the time to wait before a retry if the error does not specify one.
const defaultRetryAfter = time.Second

// metaRequestID is the key of the request id in the metadata of google.rpc.ErrorInfo.
const metaRequestID = "requestId"

// classify converts an error to an error with a code of the schema. If the request was canceled or timed out, the code is
// DependencyUnavailable instead of Internal, because the platform did not fail and the outcome is unknown.
func classify(ctx context.Context, err error) *apperr.Error {
	e := apperr.From(err)
	if e.Code != apperr.Internal {
		return e
	}
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return apperr.New(apperr.DependencyUnavailable, "the request was canceled or timed out").WithCause(err)
	}
	return e
}

// withRetryAfter returns e with RetryAfter set if its HTTP status is 429 or 503, because clients may retry both. It does not
// modify e.
func withRetryAfter(e *apperr.Error) *apperr.Error {
	status := e.Code.Info().HTTP
	if e.RetryAfter > 0 || status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return e
	}
	c := *e
	c.RetryAfter = defaultRetryAfter
	return &c
}

// minFailureWait is the minimum time after which a call that the client gives up counts as a failure of the platform. A
// healthy platform answers earlier.
const minFailureWait = time.Second

// gaveUp reports whether the client of a call that began at started has disconnected, or has set a deadline that has passed,
// before it has waited long enough for an answer. Then the platform has not failed. Otherwise clients could cause alerts and
// log lines at will, with deadlines of a millisecond.
func gaveUp(client context.Context, started time.Time) bool {
	return client.Err() != nil && time.Since(started) < minFailureWait
}

// level returns the log level of a request: Error for an internal error, Warn for an unavailable dependency unless the
// client canceled the request, and Info otherwise.
func level(info *requestInfo) slog.Level {
	switch info.code() {
	case string(apperr.Internal):
		return slog.LevelError
	case string(apperr.DependencyUnavailable):
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// detail returns the text for the client. It hides the detail of an internal error, which is only logged.
func detail(e *apperr.Error) string {
	if e.Detail == "" || e.Code == apperr.Internal {
		return e.Code.Info().Title
	}
	return e.Detail
}

// details returns the standard error details of an error: ErrorInfo, and BadRequest and RetryInfo if they apply.
func details(e *apperr.Error, requestID string) []proto.Message {
	metadata := map[string]string{metaRequestID: requestID}
	maps.Copy(metadata, e.Meta)
	all := []proto.Message{&errdetails.ErrorInfo{Reason: string(e.Code), Domain: Domain, Metadata: metadata}}
	if len(e.Violations) > 0 {
		all = append(all, badRequest(e.Violations))
	}
	if e.RetryAfter > 0 {
		all = append(all, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	return all
}

func badRequest(violations []apperr.Violation) *errdetails.BadRequest {
	b := &errdetails.BadRequest{}
	for _, v := range violations {
		b.FieldViolations = append(b.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: v.Field, Description: v.Message, Reason: v.Rule,
		})
	}
	return b
}

func violations(b *errdetails.BadRequest) []apperr.Violation {
	var all []apperr.Violation
	for _, v := range b.GetFieldViolations() {
		all = append(all, apperr.Violation{Field: v.GetField(), Rule: v.GetReason(), Message: v.GetDescription()})
	}
	return all
}

// connectError converts an error for Connect, gRPC and gRPC-Web.
func connectError(ctx context.Context, e *apperr.Error) *connect.Error {
	e = withRetryAfter(e)
	code := connect.Code(e.Code.Info().RPC)
	if e.Code == apperr.DependencyUnavailable { // RPC has separate codes for cancellation and timeout
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			code = connect.CodeCanceled
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			code = connect.CodeDeadlineExceeded
		}
	}
	ce := connect.NewError(code, errors.New(detail(e)))
	for _, m := range details(e, requestInfoFrom(ctx).requestID) {
		if d, err := connect.NewErrorDetail(m); err == nil {
			ce.AddDetail(d)
		}
	}
	setErrorHeaders(ce.Meta(), e)
	maps.Copy(ce.Meta(), requestInfoFrom(ctx).errorHeader)
	return ce
}

// setErrorHeaders sets the headers of an error in every protocol.
func setErrorHeaders(h http.Header, e *apperr.Error) {
	if e.Code.Info().HTTP == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(e.Code))
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(float64(e.RetryAfter)/float64(time.Second)))))
	}
}

// challenge returns the value of WWW-Authenticate. As RFC 6750 requires, it contains an error only if the client sent a
// token.
func challenge(code apperr.Code) string {
	switch code {
	case apperr.TokenMissing, apperr.InvalidCredentials, apperr.MfaCodeInvalid:
		return `Bearer realm="loyalty"`
	case apperr.MfaRequired: // RFC 9470
		return `Bearer realm="loyalty", error="insufficient_user_authentication"`
	default:
		return `Bearer realm="loyalty", error="invalid_token"`
	}
}
