package rpc_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func TestGetTransaction(t *testing.T) {
	ledger := &fakeLedger{}
	client := startLedger(t, ledger, internalToken)
	get := func(user, key string) (*usersv1.GetTransactionResponse, error) {
		return client.GetTransaction(t.Context(), &usersv1.GetTransactionRequest{UserId: user, IdempotencyKey: key})
	}
	got, err := get(playerID, "key")
	if err != nil || got.GetTransaction().GetId() != transactionID || got.GetTransaction().GetAmount() != "20.00" {
		t.Errorf("got %v, %v, want the transaction", got, err)
	}
	for name, tt := range map[string]struct {
		user, key string
		want      apperr.Code
	}{
		"unknown key":    {playerID, "other", apperr.NotFound},
		"another player": {unknownID, "key", apperr.NotFound},
		"no key":         {playerID, "", apperr.ValidationFailed},
		"malformed user": {"17", "key", apperr.ValidationFailed},
	} {
		if got, err := get(tt.user, tt.key); apperr.CodeOf(rpcserver.FromStatus(err)) != tt.want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, tt.want)
		}
	}

	until := now()
	settled, err := client.GetTransaction(t.Context(), &usersv1.GetTransactionRequest{
		UserId: playerID, IdempotencyKey: "key", NotAfter: timestamppb.New(until),
	})
	if err != nil || settled.GetTransaction().GetId() != transactionID || !ledger.notAfter.Equal(until) {
		t.Errorf("got %v, %v for the time %s, want the transaction for the time %s", settled, err, ledger.notAfter, until)
	}
}
