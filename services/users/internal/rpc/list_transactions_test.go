package rpc_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

func transactionsRequest(caller, id, query string) request {
	return request{caller: caller, method: "GET", path: "/users/" + id + "/transactions" + query}
}

func TestListTransactions(t *testing.T) {
	for name, r := range map[string]request{
		"of the caller":            transactionsRequest("player", "me", "?type=CREDIT&page_size=1"),
		"of a player, by staff":    transactionsRequest("staff", playerID, "?type=CREDIT&page_size=1"),
		"of a player, by an admin": transactionsRequest("admin", playerID, "?type=CREDIT&page_size=1"),
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			got := f.send(http.StatusOK, r).body
			token, _ := got["nextPageToken"].(string)
			if token == "" {
				t.Error("the first page has no nextPageToken")
			}
			equal(t, got, object{
				"transactions": []any{object{
					"id": transactionID, "user_id": playerID, "type": "CREDIT", "amount": "20.00", "balanceAfter": "20.00", "reverses": "",
					"description": "a gift", "additionalData": object{"promotionId": unknownID},
					"createdAt": "2026-03-10T12:00:00Z",
				}},
				"nextPageToken": token, "total": 2.0, "totalIsEstimate": false,
			})
			if f.store.transactionFilter.Type != users.TransactionTypeCredit {
				t.Errorf("got filter %+v, want the filter of the query", f.store.transactionFilter)
			}
			r.path += "&page_token=" + url.QueryEscape(token)
			got = f.send(http.StatusOK, r).body
			if f.store.transactionPage.Size != 1 || f.store.transactionPage.Before != 7 {
				t.Errorf("second page: got %+v, want one transaction before 7", f.store.transactionPage)
			}
			if got["nextPageToken"] != "" {
				t.Errorf("last page: got nextPageToken %v, want none", got["nextPageToken"])
			}
		})
	}
}

func TestListTransactionsOfStaff(t *testing.T) {
	f := start(t)
	equal(t, f.send(http.StatusOK, transactionsRequest("admin", staffID, "")).body, object{
		"transactions": []any{}, "nextPageToken": "", "total": 0.0, "totalIsEstimate": false,
	})
}

func TestListTransactionsRefusesInvalidInput(t *testing.T) {
	f := start(t)
	for query, field := range map[string]string{
		"type=GIFT": "type", "type=%00": "type", "page_size=-1": "page_size", "page_token=x": "page_token",
		"page_token=%00": "page_token", "page_token=%FF": "page_token", "email=x": "email",
	} {
		f.invalid(field, transactionsRequest("player", "me", "?"+query))
		f.invalid(field, transactionsRequest("staff", playerID, "?"+query))
	}
	f.invalid("user_id", transactionsRequest("staff", "17", ""))
}

func TestListTransactionsRefusals(t *testing.T) {
	f := start(t)
	f.refusedExceptFor("player", transactionsRequest("", "me", ""))
	f.refusedExceptFor("staff admin", transactionsRequest("", playerID, ""))
	f.refused(apperr.NotFound, transactionsRequest("staff", unknownID, ""))
}
