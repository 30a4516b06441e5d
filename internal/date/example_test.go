package date_test

import (
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/date"
)

func ExampleParse() {
	d, err := date.Parse("2026-02-28")
	fmt.Println(d, err)
	_, err = date.Parse("2026-02-29")
	fmt.Println(err)
	// Output:
	// 2026-02-28 <nil>
	// "2026-02-29" is not a date of the form YYYY-MM-DD
}

func ExampleOf() {
	newYork := time.FixedZone("UTC-5", -5*3600)
	d := date.Of(time.Date(2026, 12, 31, 22, 0, 0, 0, newYork))
	fmt.Println(d)
	// Output: 2027-01-01
}

func ExampleDate_AddDays() {
	d := date.Of(time.Date(2028, 2, 28, 0, 0, 0, 0, time.UTC))
	fmt.Println(d.AddDays(1), d.AddDays(2), d.AddDays(1).After(d))
	// Output: 2028-02-29 2028-03-01 true
}
