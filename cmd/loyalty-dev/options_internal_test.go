package main

import (
	"testing"

	"github.com/casino-loyalty/loyalty/services/users/app"
)

func TestMaxAddressLimitIsTheLargestValidLimit(t *testing.T) {
	t.Parallel()
	if err := app.DefaultLimits().PerAddress(maxAddressLimit, maxAddressLimit).Validate(); err != nil {
		t.Errorf("%d: %v", maxAddressLimit, err)
	}
	if err := app.DefaultLimits().PerAddress(maxAddressLimit+1, maxAddressLimit+1).Validate(); err == nil {
		t.Errorf("%d is valid, want an error", maxAddressLimit+1)
	}
}
