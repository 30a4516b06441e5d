package limits_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/golden"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/schema/registry"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	public := slices.DeleteFunc(registry.Methods("loyalty"), registry.Internal)
	golden.Compare(t, "../../docs/limits.md", limits.Document(public...))
}

// TestNginxLimits checks that the configuration of Nginx contains the limits of the table.
func TestNginxLimits(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, section := range limits.Table() {
		for _, row := range section.Rows {
			if row.File == "" {
				continue
			}
			conf, err := os.ReadFile("../../deploy/nginx/" + row.File)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(conf), row.Directive) {
				t.Errorf("%s does not contain %q, the limit %q of %s", row.File, row.Directive, row.Limit, row.What)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("the table has no limits of Nginx")
	}
}
