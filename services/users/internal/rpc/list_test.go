package rpc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

func listRequest(query string) request {
	return request{caller: "staff", method: "GET", path: "/users" + query}
}

func TestListUsers(t *testing.T) {
	f := start(t)
	const query = "?email=%20AN%25&role=PLAYER&is_active=false&page_size=1"
	got := f.send(http.StatusOK, listRequest(query)).body
	token, _ := got["nextPageToken"].(string)
	if token == "" {
		t.Error("the first page has no nextPageToken")
	}
	equal(t, got, object{
		"users": []any{player()}, "nextPageToken": token, "total": 2.0, "totalIsEstimate": false,
	})
	if filter := f.store.filter; filter.EmailPrefix != "AN%" || filter.Role != authn.RolePlayer || *filter.IsActive {
		t.Errorf("got filter %+v, want the filter of the query", filter)
	}
	got = f.send(http.StatusOK, listRequest(query+"&page_token="+url.QueryEscape(token))).body
	if f.store.page.Size != 1 || f.store.page.Before.String() != playerID {
		t.Errorf("second page: got %+v, want one user before %s", f.store.page, playerID)
	}
	if got["nextPageToken"] != "" {
		t.Errorf("last page: got nextPageToken %v, want none", got["nextPageToken"])
	}
	f.invalid("page_token", listRequest("?page_token="+url.QueryEscape(token))) // the token belongs to a list with other filters
}

func TestListUsersWithoutFilters(t *testing.T) {
	f := start(t)
	f.send(http.StatusOK, listRequest(""))
	if filter := f.store.filter; filter.EmailPrefix != "" || filter.Role != "" || filter.IsActive != nil {
		t.Errorf("got filter %+v, want none", filter)
	}
	if f.store.page.Size != 20 {
		t.Errorf("got page size %d, want 20", f.store.page.Size)
	}
}

func TestListUsersRefusesInvalidInput(t *testing.T) {
	f := start(t)
	for query, field := range map[string]string{
		"email=%00":                         "email",
		"email=an%00na":                     "email",
		"email=%1B":                         "email",
		"email=%7F":                         "email",
		"email=%C2%85":                      "email",
		"email=%E2%80%AE":                   "email",
		"email=%FF":                         "email",
		"email=%ED%A0%80":                   "email",
		"email=%C0%80":                      "email",
		"email=" + strings.Repeat("a", 255): "email",
		"email=a&email=b":                   "email",
		"role=OWNER":                        "role",
		"role=%00":                          "role",
		"is_active=1":                       "is_active",
		"is_active=%00":                     "is_active",
		"page_size=-1":                      "page_size",
		"page_token=x":                      "page_token",
		"page_token=%00":                    "page_token",
		"page_token=%FF":                    "page_token",
		"name=x":                            "name",
		"%00=x":                             `\x00`,
	} {
		f.invalid(field, listRequest("?"+query))
	}
}

func TestListUsersRefusals(t *testing.T) {
	f := start(t)
	f.refusedExceptFor("staff admin", listRequest(""))
	f.store.err = apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	f.refused(apperr.DependencyUnavailable, listRequest(""))
}
