package apperr_test

import (
	"errors"
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func ExampleNew() {
	err := apperr.New(apperr.PromotionExpired, "promotion %s ended on %s", "42", "2026-03-31")
	fmt.Println(err)
	fmt.Println(err.Code.Info().HTTP, err.Code.Info().Title)
	// Output:
	// PROMOTION_EXPIRED: promotion 42 ended on 2026-03-31
	// 409 The promotion has ended
}

func ExampleInvalidAll() {
	err := apperr.InvalidAll([]apperr.Violation{
		{Field: "title", Rule: "required", Message: "the field is required"},
		{Field: "player_ids[2]", Rule: "uuid", Message: "is not a UUID"},
	})
	fmt.Println(err)
	// Output:
	// VALIDATION_FAILED: title: the field is required; player_ids[2]: is not a UUID
}

func ExampleError_With() {
	err := apperr.New(apperr.PromotionAlreadyClaimed, "promotion 42 was claimed").With("transactionId", "7")
	fmt.Println(err.Meta["transactionId"])
	// Output: 7
}

// The log shows the cause. Clients see only the code, its title and the detail.
func ExampleError_WithCause() {
	cause := errors.New("dial tcp 10.0.0.7:6379: connection refused")
	err := apperr.New(apperr.DependencyUnavailable, "sessions are not available").WithCause(cause)
	fmt.Println(err.Detail)
	fmt.Println(err)
	fmt.Println(errors.Is(err, cause))
	// Output:
	// sessions are not available
	// DEPENDENCY_UNAVAILABLE: sessions are not available: dial tcp 10.0.0.7:6379: connection refused
	// true
}

func ExampleError_Is() {
	err := fmt.Errorf("claim: %w", apperr.New(apperr.NotFound, "promotion not found"))
	fmt.Println(errors.Is(err, &apperr.Error{Code: apperr.NotFound}))
	fmt.Println(errors.Is(err, &apperr.Error{Code: apperr.Forbidden}))
	// Output:
	// true
	// false
}

func ExampleFrom() {
	fmt.Println(apperr.From(fmt.Errorf("claim: %w", apperr.New(apperr.NotFound, "promotion not found"))).Code)
	fmt.Println(apperr.From(errors.New("disk full")).Code)
	// Output:
	// NOT_FOUND
	// INTERNAL
}

func ExampleCodeOf() {
	fmt.Printf("%q %q\n", apperr.CodeOf(nil), apperr.CodeOf(errors.New("disk full")))
	// Output: "" "INTERNAL"
}
