// Package services_test proves what no single package can: that the domains know no transport, database, broker or wire,
// whatever stands between.
package services_test

import (
	"os/exec"
	"strings"
	"testing"

	// So that go test does not answer from its cache after a change of theirs.
	_ "github.com/casino-loyalty/loyalty/services/notifications"
	_ "github.com/casino-loyalty/loyalty/services/promotions"
	_ "github.com/casino-loyalty/loyalty/services/users"
)

// outside are the packages, and those below them, that a domain does not depend on.
var outside = []string{
	"net/http", "database/sql", "connectrpc.com", "google.golang.org", "entgo.io", "github.com/jackc", "github.com/redis",
	"github.com/golang-jwt", "github.com/twmb", "github.com/nats-io", "go.mongodb.org", "github.com/gorilla",
	module + "/gen", module + "/ent", module + "/internal/event", module + "/internal/event/outbox", module + "/internal/event/inbox",
}

const module = "github.com/casino-loyalty/loyalty"

func TestDomainsKnowNothingOutside(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{"users", "promotions", "notifications"} {
		list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/services/"+domain).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		deps := strings.Fields(string(list))
		if len(deps) == 0 || deps[len(deps)-1] != module+"/services/"+domain {
			t.Fatalf("go list of %s ends with %v", domain, deps)
		}
		for _, dep := range deps {
			for _, pkg := range outside {
				if dep == pkg || strings.HasPrefix(dep, pkg+"/") && dep != "database/sql/driver" { // for uuid
					t.Errorf("%s depends on %s", domain, dep)
				}
			}
		}
	}
}
