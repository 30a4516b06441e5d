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

const token = "a token of some length"

// books answers as answer says, with transactions under id, or a fresh one.
type books struct {
	usersv1.UnimplementedLedgerServiceServer
	answer func(ctx context.Context) error
	id     string
}

func (b *books) AddTransaction(ctx context.Context, r *usersv1.AddTransactionRequest) (*usersv1.AddTransactionResponse, error) {
	if err := b.answer(ctx); err != nil {
		return nil, err
	}
	return &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{
		Id: cmp.Or(b.id, uuid.NewString()), UserId: r.GetUserId(), Type: r.GetType(), Amount: r.GetAmount(), BalanceAfter: r.GetAmount(),
		Description: r.GetDescription(), AdditionalData: r.GetAdditionalData(), CreatedAt: timestamppb.Now(),
	}}, nil
}

func start(t *testing.T, b *books) *ledger.Client {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: token, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(server, b)
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

// However many players give their claims up, the others' are paid.
func TestCallersWhoLeaveDoNotOpenTheCircuit(t *testing.T) {
	arrived := make(chan struct{})
	b := &books{answer: func(ctx context.Context) error {
		arrived <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}}
	client := start(t, b)
	for range 20 {
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			<-arrived
			leave()
		}()
		if _, err := client.Credit(ctx, credit()); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want the caller's own end", err)
		}
	}
	b.answer = func(context.Context) error { return nil }
	if tx, err := client.Credit(t.Context(), credit()); err != nil || tx.Amount != 2000 {
		t.Errorf("got %+v, %v, want a credit", tx, err)
	}
}

// A caller who leaves among failures does not make up for them.
func TestCallersWhoLeaveDoNotKeepTheCircuitClosed(t *testing.T) {
	var leave context.CancelFunc
	b := &books{}
	client := start(t, b)
	for n := range 11 {
		ctx, cancel := context.WithCancel(t.Context())
		leave = cancel
		b.answer = func(context.Context) error { return apperr.New(apperr.Internal, "broken") }
		if n == 5 {
			b.answer = func(ctx context.Context) error {
				leave()
				<-ctx.Done()
				return ctx.Err()
			}
		}
		if _, err := client.Credit(ctx, credit()); err == nil {
			t.Fatal("a broken ledger paid")
		}
		cancel()
	}
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("after ten failures got %v, want the circuit to be open", err)
	}
}

func TestFailuresOpenTheCircuitAndRefusalsDoNot(t *testing.T) {
	refusal := apperr.New(apperr.AccountDeactivated, "switched off")
	failure := apperr.New(apperr.Internal, "broken")
	b := &books{answer: func(context.Context) error { return refusal }}
	client := start(t, b)
	for range 20 {
		if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.AccountDeactivated {
			t.Fatalf("got %v, want the refusal", err)
		}
	}
	b.answer = func(context.Context) error { return failure }
	for range 10 {
		if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.Internal {
			t.Fatalf("got %v, want the failure", err)
		}
	}
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want the circuit to be open", err)
	}
}

func TestAnAnswerThatCannotBeReadIsOurFault(t *testing.T) {
	client := start(t, &books{answer: func(context.Context) error { return nil }, id: "17"})
	if _, err := client.Credit(t.Context(), credit()); apperr.CodeOf(err) != apperr.Internal {
		t.Errorf("got %v, want INTERNAL", err)
	}
}
