package fields_test

import (
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/convert/fields"
)

func ExampleReader() {
	var r fields.Reader
	amount := r.Money("amount", "20.5", fields.Required)
	start := r.Date("startDate", "2026-02-30", fields.Required)
	r.UUID("promotion_id", "", fields.Required)
	fmt.Println(amount, start.IsZero())
	fmt.Println(r.Err() != nil)
	// Output:
	// 20.50 true
	// true
}
