package validation_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// TestOnlyTextsOfPeopleAreNormalized sets every text field of every request to texts that normalization changes. Only the
// texts that people write may change. Another text, such as a page token or an id in a filter, must stay as it is or be
// refused: if it became empty, it would count as absent.
func TestOnlyTextsOfPeopleAreNormalized(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	var normalized []string
	for _, request := range requests() {
		for _, path := range textFields(request) {
			name := string(request.Name()) + "." + jsonPath(path)
			for _, text := range []string{
				strings.Repeat("\u0378", 512), strings.Repeat("\u0378", 36), "\u200b", " ", " a ", " a@example.com ", "e\u0301", "a\r\nb",
			} {
				m := withText(request, path, text)
				violations, err := v.Check(m)
				if err != nil {
					t.Fatal(err)
				}
				refused := slices.ContainsFunc(violations, func(v apperr.Violation) bool { return v.Field == jsonPath(path) })
				if !refused && textAt(m, path) != text && !slices.Contains(normalized, name) {
					normalized = append(normalized, name)
				}
			}
		}
	}
	slices.Sort(normalized)
	want := []string{
		"AddTransactionRequest.description", "CreatePromotionRequest.promotion.description",
		"CreatePromotionRequest.promotion.terms.text", "CreatePromotionRequest.promotion.title",
		"ListPromotionsRequest.title", "ListUsersRequest.email", "LoginRequest.email", "RedeemRequest.code", "RegisterRequest.email",
		"RegisterStaffRequest.email", "ReverseTransactionRequest.reason", "SetRestrictionRequest.reason", "UpdatePromotionRequest.promotion.description",
		"UpdatePromotionRequest.promotion.terms.text", "UpdatePromotionRequest.promotion.title",
	}
	if !slices.Equal(normalized, want) {
		t.Errorf("the normalized texts are\n%s\nwant\n%s", strings.Join(normalized, "\n"), strings.Join(want, "\n"))
	}
}

// textAt returns the text at a path.
func textAt(m *dynamicpb.Message, path []protoreflect.FieldDescriptor) string {
	var at protoreflect.Message = m
	for _, fd := range path[:len(path)-1] {
		at = at.Get(fd).Message()
	}
	fd := path[len(path)-1]
	if fd.IsList() {
		return at.Get(fd).List().Get(0).String()
	}
	return at.Get(fd).String()
}
