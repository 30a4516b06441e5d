package apperr_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestWithAcceptsOnlyDeclaredMembers(t *testing.T) {
	t.Parallel()
	got := apperr.New(apperr.PromotionAlreadyClaimed, "claimed").With("transactionId", "7")
	if want := map[string]string{"transactionId": "7"}; got.Code != apperr.PromotionAlreadyClaimed || !maps.Equal(got.Meta, want) {
		t.Errorf("got %s with %v, want %v", got.Code, got.Meta, want)
	}
	for name, err := range map[string]*apperr.Error{
		"member of another code": apperr.New(apperr.NotFound, "not found").With("transactionId", "7"),
		"unknown member":         apperr.New(apperr.PromotionAlreadyClaimed, "claimed").With("transaction", "7"),
		"standard member":        apperr.New(apperr.PromotionAlreadyClaimed, "claimed").With("status", "7"),
	} {
		if err.Code != apperr.Internal || err.Meta != nil || !strings.Contains(err.Error(), "the schema declares no member") {
			t.Errorf("%s: got %v with %v, want an INTERNAL that names the member", name, err, err.Meta)
		}
	}
}
