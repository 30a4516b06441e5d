package main

import (
	"testing"

	"github.com/casino-loyalty/loyalty/internal/schema/schematest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	schematest.Golden(t, generate)
}
