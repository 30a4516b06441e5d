package main

import (
	"context"
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/buildinfo"
)

// runVersion prints the version, the commit, the Go version and the schema version of the program.
func runVersion(_ context.Context, c call) error {
	if err := c.flags("version", 0, nil); err != nil {
		return err
	}
	_, err := fmt.Fprint(c.stdout, buildinfo.Read())
	return err
}
