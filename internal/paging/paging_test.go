package paging_test

import (
	"testing"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/paging"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int32]int{0: 20, 1: 1, 100: 100, 101: 100, 2147483647: 100} {
		if got := paging.Size(&promotionsv1.ListPromotionsRequest{PageSize: asked}); got != want {
			t.Errorf("page_size %d takes %d items, want %d", asked, got, want)
		}
	}
}

func TestTokens(t *testing.T) {
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
		"cut":            &promotionsv1.ListPromotionsRequest{Title: "a", PageToken: token[:len(token)-8]},
		"garbage":        &promotionsv1.ListPromotionsRequest{PageToken: "%%%"},
		"short":          &promotionsv1.ListPromotionsRequest{PageToken: "AQ"},
	} {
		_, err := paging.Position(r)
		if e := apperr.From(err); err == nil || e.Code != apperr.ValidationFailed || e.Violations[0].Field != "page_token" {
			// A cut token may still decode; then its position is shorter, which the list itself refuses.
			if name != "cut" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("AQAAAAAAAAAAeA")
	f.Fuzz(func(t *testing.T, token string) {
		at, err := paging.Position(&promotionsv1.ListPromotionsRequest{PageToken: token})
		if err != nil && apperr.CodeOf(err) != apperr.ValidationFailed {
			t.Errorf("token %q: %q, %v", token, at, err)
		}
	})
}
