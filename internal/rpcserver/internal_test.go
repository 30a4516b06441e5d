package rpcserver_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

const internalToken = "a-token-of-32-characters-or-more"

// ledger is a fake ledger service. It returns the error of answer, or success, and counts the calls.
type ledger struct {
	usersv1.UnimplementedLedgerServiceServer
	calls  atomic.Int32
	answer func(ctx context.Context, call int32, r *usersv1.AddTransactionRequest) error
}

func (l *ledger) AddTransaction(ctx context.Context, r *usersv1.AddTransactionRequest) (*usersv1.AddTransactionResponse, error) {
	if err := l.answer(ctx, l.calls.Add(1), r); err != nil {
		return nil, err
	}
	return &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{Amount: r.GetAmount()}}, nil
}

// startLedger runs a ledger on an internal server. It returns a client with the given token, the ledger and the log.
func startLedger(t *testing.T, token string, answer func(context.Context, int32, *usersv1.AddTransactionRequest) error) (
	usersv1.LedgerServiceClient, *ledger, *logstest.Buffer,
) {
	t.Helper()
	log := &logstest.Buffer{}
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{
		Token: internalToken, Log: slog.New(slog.NewJSONHandler(log, nil)),
		AccessLog: rpcserver.AccessLog{Mode: rpcserver.AccessAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{answer: answer}
	usersv1.RegisterLedgerServiceServer(server, l)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return usersv1.NewLedgerServiceClient(dial(t, listener.Addr().String(), token)), l, log
}

func dial(t *testing.T, address, token string) *grpc.ClientConn {
	t.Helper()
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: address, Token: token, PerTry: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func credit() *usersv1.AddTransactionRequest {
	return &usersv1.AddTransactionRequest{
		UserId: playerID, Type: usersv1.TransactionType_CREDIT, Amount: "20", IdempotencyKey: "k",
	}
}

func TestInternalCall(t *testing.T) {
	c, _, _ := startLedger(t, internalToken, func(context.Context, int32, *usersv1.AddTransactionRequest) error { return nil })
	res, err := c.AddTransaction(t.Context(), credit())
	if err != nil || res.GetTransaction().GetAmount() != "20.00" {
		t.Errorf("got %v, %v; want the amount 20.00", res, err)
	}
}

func TestInternalErrorsArriveUnchanged(t *testing.T) {
	for name, e := range map[string]*apperr.Error{
		"detail":      apperr.New(apperr.InsufficientFunds, "0.05 are missing"),
		"meta":        apperr.New(apperr.PromotionAlreadyClaimed, "claimed").With("transactionId", thingID),
		"violation":   apperr.Invalid("amount", "money", "wrong"),
		"retry after": {Code: apperr.RateLimited, Detail: "slower", RetryAfter: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c, l, _ := startLedger(t, internalToken, func(context.Context, int32, *usersv1.AddTransactionRequest) error {
				return e.WithCause(errors.New("secret"))
			})
			_, err := c.AddTransaction(t.Context(), credit())
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Fatalf("the client sees %v", err)
			}
			var got *apperr.Error
			if !errors.As(rpcserver.FromStatus(err), &got) {
				t.Fatalf("got %v", rpcserver.FromStatus(err))
			}
			if got.Code != e.Code || got.Detail != e.Detail || got.RetryAfter != e.RetryAfter ||
				!reflect.DeepEqual(got.Violations, e.Violations) || !reflect.DeepEqual(got.Meta, e.Meta) {
				t.Errorf("got %+v, want %+v", got, e)
			}
			if n := l.calls.Load(); n != 1 {
				t.Errorf("the ledger was called %d times, want once", n)
			}
		})
	}
}

func TestInternalRequestsAreValidated(t *testing.T) {
	c, l, _ := startLedger(t, internalToken, func(context.Context, int32, *usersv1.AddTransactionRequest) error { return nil })
	// The keys are JSON names. The schema gives user_id its JSON name explicitly.
	for field, invalidate := range map[string]func(*usersv1.AddTransactionRequest){
		"user_id":        func(r *usersv1.AddTransactionRequest) { r.UserId = "x" },
		"type":           func(r *usersv1.AddTransactionRequest) { r.Type = 0 },
		"amount":         func(r *usersv1.AddTransactionRequest) { r.Amount = "" },
		"idempotencyKey": func(r *usersv1.AddTransactionRequest) { r.IdempotencyKey = "" },
	} {
		r := credit()
		invalidate(r)
		_, err := c.AddTransaction(t.Context(), r)
		e := apperr.From(rpcserver.FromStatus(err))
		if e.Code != apperr.ValidationFailed || len(e.Violations) != 1 || e.Violations[0].Field != field {
			t.Errorf("invalid %s: got %v, want one violation of the field", field, e)
		}
	}
	if n := l.calls.Load(); n != 0 {
		t.Errorf("the ledger was called %d times, want none", n)
	}
}

func TestInternalToken(t *testing.T) {
	c, l, log := startLedger(t, "another-token-of-32-characters..", func(context.Context, int32, *usersv1.AddTransactionRequest) error { return nil })
	_, err := c.AddTransaction(t.Context(), credit())
	if l.calls.Load() != 0 || status.Code(err) != codes.Unauthenticated {
		t.Errorf("wrong token: got %v after %d calls, want Unauthenticated and no call", err, l.calls.Load())
	}
	// TOKEN_INVALID would tell the client of the calling service that the client's own token is invalid.
	if got := apperr.CodeOf(rpcserver.FromStatus(err)); got != apperr.Internal {
		t.Errorf("the code is %s, want INTERNAL", got)
	}
	if strings.Contains(log.String(), "another-token") {
		t.Errorf("the log shows the token: %s", log)
	}
	if _, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: "short", Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a short token is accepted")
	}
	if _, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: "x:1", Token: ""}); err == nil {
		t.Error("an empty token is accepted")
	}
}

func TestInternalRetries(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(ctx context.Context, call int32) error
		calls  int32
		code   apperr.Code
	}{
		"success at the third attempt": {func(_ context.Context, n int32) error {
			if n < 3 {
				return apperr.New(apperr.DependencyUnavailable, "")
			}
			return nil
		}, 3, ""},
		"always unavailable": {func(context.Context, int32) error { return apperr.New(apperr.DependencyUnavailable, "") }, 3, apperr.DependencyUnavailable},
		"one timeout": {func(ctx context.Context, n int32) error {
			if n == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, 2, ""},
		"refused":  {func(context.Context, int32) error { return apperr.New(apperr.NotFound, "") }, 1, apperr.NotFound},
		"broken":   {func(context.Context, int32) error { return errors.New("x") }, 1, apperr.Internal},
		"panicked": {func(context.Context, int32) error { panic("x") }, 1, apperr.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			c, l, _ := startLedger(t, internalToken, func(ctx context.Context, n int32, _ *usersv1.AddTransactionRequest) error {
				return tt.answer(ctx, n)
			})
			_, err := c.AddTransaction(t.Context(), credit())
			if got := apperr.CodeOf(rpcserver.FromStatus(err)); got != tt.code || l.calls.Load() != tt.calls {
				t.Errorf("got %v after %d calls, want %q after %d", err, l.calls.Load(), tt.code, tt.calls)
			}
		})
	}
}

func TestInternalServerUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = usersv1.NewLedgerServiceClient(dial(t, listener.Addr().String(), internalToken)).AddTransaction(t.Context(), credit())
	if got := apperr.CodeOf(rpcserver.FromStatus(err)); got != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}

func TestFromStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want apperr.Code
	}{
		"nil":                    {nil, ""},
		"application error":      {apperr.New(apperr.NotFound, ""), apperr.NotFound},
		"context deadline":       {context.DeadlineExceeded, apperr.DependencyUnavailable},
		"unavailable":            {status.Error(codes.Unavailable, "connection refused"), apperr.DependencyUnavailable},
		"status without details": {status.Error(codes.NotFound, "x"), apperr.Internal},
		"plain error":            {errors.New("x"), apperr.Internal},
	} {
		if got := apperr.CodeOf(rpcserver.FromStatus(tt.err)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestInternalLog checks that the log contains the request id and the cause, which the caller does not see.
func TestInternalLog(t *testing.T) {
	c, _, log := startLedger(t, internalToken, func(context.Context, int32, *usersv1.AddTransactionRequest) error {
		return errors.New("the cause")
	})
	_, err := c.AddTransaction(t.Context(), credit())
	if strings.Contains(err.Error(), "cause") {
		t.Errorf("the caller sees %v", err)
	}
	for _, want := range []string{"the cause", "AddTransaction", `"request_id":`, "ERROR"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not contain %s: %s", want, log)
		}
	}
	if strings.Contains(log.String(), playerID) {
		t.Errorf("the log shows the request: %s", log)
	}
}

func TestInternalHealth(t *testing.T) {
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: internalToken, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := server.GetServiceInfo()[healthv1.Health_ServiceDesc.ServiceName]; !ok {
		t.Error("the health service is missing")
	}
	server.Stop()
}
