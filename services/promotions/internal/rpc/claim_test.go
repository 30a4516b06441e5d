package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const claimBody = `{"promotion_id":"` + promotionID + `"}`

func claimRequest(body string, header ...string) request {
	return request{caller: "player", method: "POST", path: route + "/claim", body: body, header: header}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.send(http.StatusOK, claimRequest(claimBody, "Idempotency-Key", " k "))
	assignment, _ := got["assignment"].(object)
	hasMembers(t, assignment, object{"id": assignmentID, "claimed": true, "transactionId": transactionID, "claimedAt": "2026-03-10T12:00:00Z"})
	transaction, _ := got["transaction"].(object)
	hasMembers(t, transaction, object{
		"id": transactionID, "user_id": playerID, "type": "CREDIT", "amount": "20.00", "balanceAfter": "20.00", "reverses": "",
		"description": "Claimed 'Spring' promotion of type 'BONUS'", "additionalData": object{"promotionId": promotionID},
	})
	if f.store.assignment.ClaimID != "key:k" {
		t.Errorf("got claim id %q, want key:k with the trimmed key", f.store.assignment.ClaimID)
	}
}

func TestClaimRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.invalid("promotion_id", claimRequest(`{}`))
	f.invalid("promotion_id", claimRequest(`{"promotion_id":"17"}`))
	for name, header := range map[string][]string{
		"empty":     {"Idempotency-Key", ""},
		"spaces":    {"Idempotency-Key", "  "},
		"too long":  {"Idempotency-Key", strings.Repeat("k", 201)},
		"not ASCII": {"Idempotency-Key", "ü"},
		"two keys":  {"Idempotency-Key", "a", "Idempotency-Key", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.with(t).invalid("Idempotency-Key", claimRequest(claimBody, header...))
		})
	}
}

func TestClaimRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.refused(http.StatusNotFound, apperr.NotFound, claimRequest(`{"promotion_id":"`+unknownID+`"}`))
	f.ledger.err = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	f.refused(http.StatusServiceUnavailable, apperr.DependencyUnavailable, claimRequest(claimBody, "Idempotency-Key", "k"))
	f.ledger.err = nil
	f.refused(http.StatusConflict, apperr.IdempotencyMismatch, claimRequest(`{"promotion_id":"`+unknownID+`"}`, "Idempotency-Key", "k"))
	f.send(http.StatusOK, claimRequest(claimBody, "Idempotency-Key", "k"))
	second := f.send(http.StatusConflict, claimRequest(claimBody))
	hasMembers(t, second, object{"code": "PROMOTION_ALREADY_CLAIMED", "transactionId": transactionID})
}
