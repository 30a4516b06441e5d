package rpc_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/rpc"
)

const internalToken = "the token of the services"

// fakeLedger records the entries. It returns a transaction for each entry, always with the same id, or err. It contains one
// transaction, which has the idempotency key "key".
type fakeLedger struct {
	entries  []users.Entry
	notAfter time.Time // of the last call of SettledTransaction
	err      error
}

func (l *fakeLedger) Add(_ context.Context, e users.ValidEntry) (users.Transaction, error) {
	l.entries = append(l.entries, e.Entry)
	return users.Transaction{
		ID: uuid.MustParse(transactionID), UserID: e.UserID, Type: e.Type, Amount: e.Amount, BalanceAfter: e.Amount,
		Description: e.Description, AdditionalData: e.AdditionalData, CreatedAt: now(), Reverses: e.Reverses,
	}, l.err
}

func (l *fakeLedger) Transaction(_ context.Context, id uuid.UUID) (users.Transaction, error) {
	if id.String() != transactionID {
		return users.Transaction{}, users.NoTransaction()
	}
	return users.Transaction{
		ID: id, UserID: uuid.MustParse(playerID), Type: users.TransactionTypeCredit, Amount: 2000, BalanceAfter: 2000,
		CreatedAt: now(), IdempotencyKey: "key",
	}, l.err
}

func (l *fakeLedger) TransactionByKey(ctx context.Context, user uuid.UUID, key string) (users.Transaction, error) {
	if user.String() != playerID || key != "key" {
		return users.Transaction{}, users.NoTransaction()
	}
	return l.Transaction(ctx, uuid.MustParse(transactionID))
}

func (l *fakeLedger) SettledTransaction(
	ctx context.Context, user uuid.UUID, key string, notAfter time.Time,
) (users.Transaction, error) {
	l.notAfter = notAfter
	return l.TransactionByKey(ctx, user, key)
}

// startLedger serves the ledger on an internal listener and returns a client that sends token.
func startLedger(t *testing.T, ledger users.LedgerStore, token string) usersv1.LedgerServiceClient {
	t.Helper()
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: internalToken, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(server, rpc.NewLedgerHandler(users.NewLedgerService(ledger)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("the server failed: %v", err)
		}
	})
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{
		Address: listener.Addr().String(), Token: token, Attempts: 1, PerTry: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return usersv1.NewLedgerServiceClient(conn)
}

func addRequest(t *testing.T) *usersv1.AddTransactionRequest {
	t.Helper()
	data, err := structpb.NewStruct(map[string]any{"promotionId": unknownID})
	if err != nil {
		t.Fatal(err)
	}
	return &usersv1.AddTransactionRequest{
		UserId: playerID, Type: usersv1.TransactionType_CREDIT, Amount: "20.5", Description: " a gift ",
		AdditionalData: data, IdempotencyKey: "key",
	}
}

func TestAddTransaction(t *testing.T) {
	ledger := &fakeLedger{}
	got, err := startLedger(t, ledger, internalToken).AddTransaction(t.Context(), addRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	want := &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{
		Id: transactionID, UserId: playerID, Type: usersv1.TransactionType_CREDIT, Amount: "20.50", BalanceAfter: "20.50",
		Description: "a gift", AdditionalData: addRequest(t).GetAdditionalData(), CreatedAt: timestamppb.New(now()),
	}}
	if !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(ledger.entries) != 1 || ledger.entries[0].Amount != 2050 || ledger.entries[0].IdempotencyKey != "key" ||
		ledger.entries[0].Purpose != users.TransactionPurposePromotion {
		t.Errorf("the ledger received %+v, want one entry of 20.50 with the key", ledger.entries)
	}
}

func TestAddTransactionForAPromotion(t *testing.T) {
	ledger := &fakeLedger{err: apperr.New(apperr.PlayerRestricted, "the player is restricted")}
	r := addRequest(t)
	r.Purpose = usersv1.TransactionPurpose_PROMOTION
	_, err := startLedger(t, ledger, internalToken).AddTransaction(t.Context(), r)
	if reason, _ := details(err); status.Code(err) != codes.PermissionDenied || reason != string(apperr.PlayerRestricted) {
		t.Errorf("got %v, reason %s, want PLAYER_RESTRICTED", err, reason)
	}
	if len(ledger.entries) != 1 || ledger.entries[0].Purpose != users.TransactionPurposePromotion {
		t.Errorf("the ledger received %+v, want one entry for a promotion", ledger.entries)
	}
}

func TestAddTransactionRefusesInvalidInput(t *testing.T) {
	ledger := &fakeLedger{}
	client := startLedger(t, ledger, internalToken)
	long := strings.Repeat("a", 2001)
	for name, tt := range map[string]struct {
		field  string
		change func(*usersv1.AddTransactionRequest)
	}{
		"no user":         {"user_id", func(r *usersv1.AddTransactionRequest) { r.UserId = "" }},
		"invalid user":    {"user_id", func(r *usersv1.AddTransactionRequest) { r.UserId = "17" }},
		"no type":         {"type", func(r *usersv1.AddTransactionRequest) { r.Type = 0 }},
		"unknown type":    {"type", func(r *usersv1.AddTransactionRequest) { r.Type = 9 }},
		"unknown purpose": {"purpose", func(r *usersv1.AddTransactionRequest) { r.Purpose = 9 }},
		"debit of a promotion": {"purpose", func(r *usersv1.AddTransactionRequest) {
			r.Type, r.Purpose = usersv1.TransactionType_DEBIT, usersv1.TransactionPurpose_PROMOTION
		}},
		"no amount":          {"amount", func(r *usersv1.AddTransactionRequest) { r.Amount = "" }},
		"zero":               {"amount", func(r *usersv1.AddTransactionRequest) { r.Amount = "0" }},
		"negative":           {"amount", func(r *usersv1.AddTransactionRequest) { r.Amount = "-1" }},
		"three places":       {"amount", func(r *usersv1.AddTransactionRequest) { r.Amount = "1.001" }},
		"too large":          {"amount", func(r *usersv1.AddTransactionRequest) { r.Amount = "1000000000.01" }},
		"long description":   {"description", func(r *usersv1.AddTransactionRequest) { r.Description = long[:2001] }},
		"NUL in description": {"description", func(r *usersv1.AddTransactionRequest) { r.Description = "a\x00" }},
		"no key":             {"idempotencyKey", func(r *usersv1.AddTransactionRequest) { r.IdempotencyKey = "" }},
		"long key":           {"idempotencyKey", func(r *usersv1.AddTransactionRequest) { r.IdempotencyKey = long[:201] }},
		"NUL in data": {"additionalData", func(r *usersv1.AddTransactionRequest) {
			r.GetAdditionalData().Fields["x"] = structpb.NewStringValue("\x00")
		}},
		"NUL in a member's name": {"additionalData", func(r *usersv1.AddTransactionRequest) {
			r.GetAdditionalData().Fields["\x00"] = structpb.NewBoolValue(true)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := addRequest(t)
			tt.change(r)
			_, err := client.AddTransaction(t.Context(), r)
			reason, fields := details(err)
			if status.Code(err) != codes.InvalidArgument || reason != string(apperr.ValidationFailed) || fields != tt.field {
				t.Errorf("got %v, reason %s, fields %q; want VALIDATION_FAILED of %q", err, reason, fields, tt.field)
			}
		})
	}
	if len(ledger.entries) > 0 {
		t.Errorf("the ledger received %+v, want nothing", ledger.entries)
	}
}

// details returns the reason of an error and the fields of its violations, separated by spaces.
func details(err error) (reason, fields string) {
	var names []string
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				names = append(names, v.GetField())
			}
		}
	}
	return reason, strings.Join(names, " ")
}

func TestAddTransactionRefusals(t *testing.T) {
	for _, code := range []apperr.Code{
		apperr.NotFound, apperr.AccountDeactivated, apperr.InsufficientFunds, apperr.IdempotencyMismatch,
		apperr.DependencyUnavailable,
	} {
		t.Run(string(code), func(t *testing.T) {
			client := startLedger(t, &fakeLedger{err: apperr.New(code, "refused")}, internalToken)
			_, err := client.AddTransaction(t.Context(), addRequest(t))
			reason, _ := details(err)
			if reason != string(code) || status.Code(err) != codes.Code(code.Info().RPC) {
				t.Errorf("got %v with reason %q, want %s", err, reason, code)
			}
		})
	}
	t.Run("wrong token", func(t *testing.T) {
		ledger := &fakeLedger{}
		_, err := startLedger(t, ledger, "another token of 16 bytes").AddTransaction(t.Context(), addRequest(t))
		if status.Code(err) != codes.Unauthenticated || len(ledger.entries) > 0 {
			t.Errorf("got %v, and the ledger received %+v, want Unauthenticated and no entries", err, ledger.entries)
		}
	})
}
