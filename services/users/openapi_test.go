package users_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/openapi"
)

// TestPasswordDocumentation checks that the OpenAPI document describes the length of new passwords. The keywords minLength
// and maxLength count the characters before normalization, so they must allow a wider range. For example, U+0958 becomes two
// characters, and "a" with a combining accent becomes one.
func TestPasswordDocumentation(t *testing.T) {
	raw, err := openapi.FS.ReadFile("users.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type property struct {
		Description string
		MinLength   int `yaml:"minLength"`
		MaxLength   int `yaml:"maxLength"`
	}
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]property }
		}
	}
	if err := yaml.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	length := fmt.Sprintf("%d to %d characters, counted after normalization", password.MinLength, password.MaxLength)
	for _, name := range []string{"RegisterRequest", "RegisterStaffRequest"} {
		got := document.Components.Schemas[name].Properties["password"]
		if !strings.HasPrefix(got.Description, length) {
			t.Errorf("%s.password: description %q, want it to begin with %q", name, got.Description, length)
		}
		if got.MinLength < 1 || got.MinLength > password.MinLength/2 || got.MaxLength < 2*password.MaxLength {
			t.Errorf("%s.password: minLength %d, maxLength %d; want at most %d and at least %d", name,
				got.MinLength, got.MaxLength, password.MinLength/2, 2*password.MaxLength)
		}
	}
}
