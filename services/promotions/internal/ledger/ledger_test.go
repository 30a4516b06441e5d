package ledger_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/ledger"
)

const token = "a token of sufficient length"

// fakeLedger is a ledger server. AddTransaction returns the error of respond. Without an error it returns a transaction with
// the id, or with a new id if id is empty.
type fakeLedger struct {
	usersv1.UnimplementedLedgerServiceServer
	respond func(ctx context.Context) error
	id      string
	purpose usersv1.TransactionPurpose // of the last entry
}

func (l *fakeLedger) AddTransaction(ctx context.Context, r *usersv1.AddTransactionRequest) (*usersv1.AddTransactionResponse, error) {
	l.purpose = r.GetPurpose()
	if err := l.respond(ctx); err != nil {
		return nil, err
	}
	return &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{
		Id: cmp.Or(l.id, uuid.NewString()), UserId: r.GetUserId(), Type: r.GetType(), Amount: r.GetAmount(), BalanceAfter: r.GetAmount(),
		Description: r.GetDescription(), AdditionalData: r.GetAdditionalData(), CreatedAt: timestamppb.Now(),
	}}, nil
}

func (l *fakeLedger) GetTransaction(ctx context.Context, r *usersv1.GetTransactionRequest) (*usersv1.GetTransactionResponse, error) {
	if err := l.respond(ctx); err != nil {
		return nil, err
	}
	return &usersv1.GetTransactionResponse{Transaction: &usersv1.Transaction{
		Id: l.id, UserId: r.GetUserId(), Type: usersv1.TransactionType_CREDIT, Amount: "20.00", BalanceAfter: "20.00",
		Description: r.GetIdempotencyKey(), CreatedAt: timestamppb.Now(),
	}}, nil
}

func start(t *testing.T, l *fakeLedger) *ledger.Client {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: token, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(server, l)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: listener.Addr().String(), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return ledger.New(conn, log)
}

func credit() promotions.Credit {
	return promotions.Credit{Key: uuid.NewString(), UserID: uuid.New(), Amount: 2000, Description: "Claimed"}
}

func TestCancelledCallsDoNotOpenTheCircuit(t *testing.T) {
	arrived := make(chan struct{})
	l := &fakeLedger{respond: func(ctx context.Context) error {
		arrived <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}}
	client := start(t, l)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-arrived
			cancel()
		}()
		if _, err := client.Credit(ctx, credit()); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	}
	l.respond = func(context.Context) error { return nil }
	if tx, err := client.Credit(t.Context(), credit()); err != nil || tx.Amount != 2000 {
		t.Errorf("got %+v, %v, want a credit", tx, err)
	}
	if l.purpose != usersv1.TransactionPurpose_PROMOTION {
		t.Errorf("the purpose is %s, want PROMOTION", l.purpose)
	}
}

func TestCancelledCallKeepsTheFailureCount(t *testing.T) {
	l := &fakeLedger{}
	client := start(t, l)
	for n := range 11 {
		ctx, cancel := context.WithCancel(t.Context())
		l.respond = func(context.Context) error { return apperr.New(apperr.Internal, "broken") }
		if n == 5 {
			l.respond = func(ctx context.Context) error {
				cancel()
				<-ctx.Done()
				return ctx.Err()
			}
		}
		if _, err := client.Credit(ctx, credit()); err == nil {
			t.Fatal("Credit of a failing ledger: got no error")
		}
		cancel()
	}
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("after ten failures: got %v, want DEPENDENCY_UNAVAILABLE of the open circuit", err)
	}
}

func TestOnlyFailuresOpenTheCircuit(t *testing.T) {
	refusal := apperr.New(apperr.AccountDeactivated, "the account is deactivated")
	failure := apperr.New(apperr.Internal, "broken")
	l := &fakeLedger{respond: func(context.Context) error { return refusal }}
	client := start(t, l)
	for range 20 {
		if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.AccountDeactivated {
			t.Fatalf("got %v, want ACCOUNT_DEACTIVATED", err)
		}
	}
	l.respond = func(context.Context) error { return failure }
	for range 10 {
		if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.Internal {
			t.Fatalf("got %v, want INTERNAL", err)
		}
	}
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("after ten failures: got %v, want DEPENDENCY_UNAVAILABLE of the open circuit", err)
	}
}

func TestMalformedResponseIsInternal(t *testing.T) {
	client := start(t, &fakeLedger{respond: func(context.Context) error { return nil }, id: "17"})
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.Internal {
		t.Errorf("got %v, want INTERNAL", err)
	}
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	var fail error
	l := &fakeLedger{id: uuid.NewString(), respond: func(context.Context) error { return fail }}
	client, player := start(t, l), uuid.New()
	tx, err := client.Transaction(t.Context(), player, "key")
	if err != nil || tx.ID.String() != l.id || tx.UserID != player || tx.Amount != 2000 || tx.Description != "key" {
		t.Errorf("got %+v, %v, want the transaction of the player with the key", tx, err)
	}
	fail = apperr.New(apperr.NotFound, "transaction not found")
	if _, err := client.Transaction(t.Context(), player, "key"); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("got %v, want NOT_FOUND", err)
	}
}
