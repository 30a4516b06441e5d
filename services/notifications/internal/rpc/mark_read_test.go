package rpc_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const readPath = "/api/v1/notifications/read"

func TestMarkRead(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		unread float64
	}{
		"one":                {`{"ids":["` + secondID + `"]}`, 1},
		"already read":       {`{"ids":["` + firstID + `"]}`, 2},
		"same id twice":      {`{"ids":["` + secondID + `","` + secondID + `"]}`, 1},
		"another player's":   {`{"ids":["` + otherID + `","` + thirdID + `"]}`, 1},
		"all":                {`{"all":true}`, 0},
		"ids and all: false": {`{"ids":["` + secondID + `"],"all":false}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := start(t).call(t, http.StatusOK, "player", "POST", readPath, tt.body)
			if len(got) != 1 || got["unread"] != tt.unread {
				t.Errorf("got %v, want %v unread", got, tt.unread)
			}
		})
	}
}

func TestMarkReadRefusesInvalidInput(t *testing.T) {
	a := start(t)
	many := fmt.Sprintf(`{"ids":[%s]}`, strings.TrimSuffix(strings.Repeat(`"`+firstID+`",`, 1001), ","))
	for _, tt := range []struct{ field, body string }{
		{"", `{}`},
		{"", `{"all":false}`},
		{"", `{"ids":["` + firstID + `"],"all":true}`},
		{"ids[1]", `{"ids":["` + firstID + `","17"]}`},
		{"ids", many},
		{"id", `{"all":true,"id":"` + firstID + `"}`},
	} {
		a.invalid(t, tt.field, "POST", readPath, tt.body)
	}
	for _, n := range a.store.list[1:] {
		if n.Read {
			t.Errorf("notification %s is read after refused requests", n.ID)
		}
	}
}

func TestMarkReadRefusals(t *testing.T) {
	a := start(t)
	a.wrongCallers(t, "POST", readPath, `{"all":true}`)
	a.store.err = apperr.New(apperr.DependencyUnavailable, "notifications cannot be reached")
	a.refused(t, apperr.DependencyUnavailable, "player", "POST", readPath, `{"all":true}`)
	a.refused(t, apperr.DependencyUnavailable, "player", "POST", readPath, `{"ids":["`+firstID+`"]}`)
}
