package paging_test

import (
	"testing"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/paging"
)

func TestTokenBelongsToItsRequest(t *testing.T) {
	t.Parallel()
	first := &promotionsv1.ListPromotionsRequest{Title: "a", PageSize: 5}
	if at, err := paging.Position(first); at != "" || err != nil {
		t.Errorf("the first page begins at %q, %v", at, err)
	}
	token, err := paging.Next(first, "item-5")
	if err != nil {
		t.Fatal(err)
	}
	// The size may change from page to page, the filter may not.
	at, err := paging.Position(&promotionsv1.ListPromotionsRequest{Title: "a", PageSize: 7, PageToken: token})
	if at != "item-5" || err != nil {
		t.Errorf("the second page begins at %q, %v", at, err)
	}
	for name, r := range map[string]paging.Request{
		"another filter": &promotionsv1.ListPromotionsRequest{Title: "b", PageToken: token},
		"another list":   &promotionsv1.ListPlayerPromotionsRequest{PageToken: token},
		"garbage":        &promotionsv1.ListPromotionsRequest{PageToken: "%%%"},
	} {
		_, err := paging.Position(r)
		if e := apperr.From(err); err == nil || e.Code != apperr.ValidationFailed || e.Violations[0].Field != paging.Field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
