package rpc_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const listPath = "/api/v1/notifications"

func TestListNotifications(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		ids   []string
		total float64
	}{
		"all":    {"", []string{thirdID, secondID, firstID}, 3},
		"unread": {"?unread=true", []string{thirdID, secondID}, 2},
		"read":   {"?unread=false", []string{firstID}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := start(t).call(t, http.StatusOK, "player", "GET", listPath+tt.query, "")
			if !slices.Equal(idsOf(got), tt.ids) {
				t.Errorf("got ids %v, want %v", idsOf(got), tt.ids)
			}
			if got["user_id"] != playerID || got["unread"] != 2.0 || got["total"] != tt.total ||
				got["totalIsEstimate"] != false || got["nextPageToken"] != "" {
				t.Errorf("got %v, want 2 unread notifications, the total %v and no next page", got, tt.total)
			}
		})
	}
}

func idsOf(response object) (ids []string) {
	for _, n := range response["notifications"].([]any) {
		ids = append(ids, n.(object)["id"].(string))
	}
	return ids
}

func TestListNotificationsMembers(t *testing.T) {
	got := start(t).call(t, http.StatusOK, "player", "GET", listPath+"?unread=false", "")
	n := got["notifications"].([]any)[0].(object)
	if len(n) != 5 || n["id"] != firstID || n["type"] != "promotion" || n["read"] != true ||
		n["createdAt"] != "2026-03-10T12:00:00Z" || n["content"].(object)["title"] != firstID {
		t.Errorf("got %v, want the five members of the read promotion notification %s", n, firstID)
	}
}

func TestListNotificationsPages(t *testing.T) {
	a := start(t)
	first := a.call(t, http.StatusOK, "player", "GET", listPath+"?page_size=2", "")
	token, _ := first["nextPageToken"].(string)
	if want := []string{thirdID, secondID}; token == "" || !slices.Equal(idsOf(first), want) {
		t.Fatalf("first page %v with token %q, want %v and a token", idsOf(first), token, want)
	}
	second := a.call(t, http.StatusOK, "player", "GET", listPath+"?page_size=2&page_token="+token, "")
	if !slices.Equal(idsOf(second), []string{firstID}) || second["nextPageToken"] != "" {
		t.Errorf("second page %v with token %q, want the last notification", idsOf(second), second["nextPageToken"])
	}
	a.invalid(t, "page_token", "GET", listPath+"?unread=true&page_token="+token, "") // the token belongs to the unfiltered list
}

func TestListNotificationsRefusesInvalidInput(t *testing.T) {
	a := start(t)
	a.invalid(t, "page_size", "GET", listPath+"?page_size=-1", "")
	a.invalid(t, "page_token", "GET", listPath+"?page_token=invalid", "")
	a.invalid(t, "unread", "GET", listPath+"?unread=maybe", "")
	a.invalid(t, "user_id", "GET", listPath+"?user_id="+otherID, "")
}

func TestListNotificationsRefusals(t *testing.T) {
	a := start(t)
	a.wrongCallers(t, "GET", listPath, "")
	a.store.err = apperr.New(apperr.DependencyUnavailable, "notifications cannot be reached")
	a.refused(t, apperr.DependencyUnavailable, "player", "GET", listPath, "")
}
