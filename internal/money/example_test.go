package money_test

import (
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/money"
)

func ExampleParse() {
	for _, s := range []string{"20", "20.5", "20.005", "-1"} {
		amount, err := money.Parse(s)
		fmt.Println(amount, err)
	}
	// Output:
	// 20.00 <nil>
	// 20.50 <nil>
	// 0.00 "20.005" is not an amount with at most two decimal places
	// 0.00 "-1" is not an amount with at most two decimal places
}

func ExampleAmount_Add() {
	balance, err := money.Amount(1050).Add(-250)
	fmt.Println(balance, err)
	_, err = money.Max.Add(1)
	fmt.Println(err)
	// Output:
	// 8.00 <nil>
	// amount out of range
}
