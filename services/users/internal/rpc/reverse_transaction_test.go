package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func reverseRequest(user, transaction, body string) request {
	return request{caller: "admin", method: "POST", path: "/users/" + user + "/transactions/" + transaction + "/reverse", body: body}
}

func TestReverseTransaction(t *testing.T) {
	f := start(t)
	equal(t, f.send(http.StatusCreated, reverseRequest(playerID, transactionID, `{"reason":"paid twice"}`)).body, object{
		"id": transactionID, "user_id": playerID, "type": "DEBIT", "amount": "20.00", "balanceAfter": "20.00",
		"description": "paid twice", "additionalData": object{"reversedBy": adminID}, "createdAt": "2026-03-10T12:00:00Z",
		"reverses": transactionID,
	})
}

func TestReverseTransactionRefusals(t *testing.T) {
	f := start(t)
	const body = `{"reason":"paid twice"}`
	f.invalid("user_id", reverseRequest("17", transactionID, body))
	f.invalid("transaction_id", reverseRequest(playerID, "17", body))
	f.invalid("reason", reverseRequest(playerID, transactionID, `{}`))
	f.invalid("reason", reverseRequest(playerID, transactionID, `{"reason":"`+strings.Repeat("a", 501)+`"}`))
	f.refusedExceptFor("admin", reverseRequest(playerID, transactionID, body))
	f.refused(apperr.NotFound, reverseRequest(playerID, unknownID, body))
	f.refused(apperr.NotFound, reverseRequest(staffID, transactionID, body))
	f.ledger.err = apperr.New(apperr.InsufficientFunds, "the balance is less than 20.00")
	f.refused(apperr.InsufficientFunds, reverseRequest(playerID, transactionID, body))
	if len(f.ledger.entries) != 0 {
		t.Errorf("the ledger received %+v, want none", f.ledger.entries)
	}
}
