// Package services_test checks that no domain package depends, directly or indirectly, on a transport, a database, a broker
// or a wire format.
package services_test

import (
	"os/exec"
	"strings"
	"testing"

	// The imports invalidate the cached result of this test when one of the packages changes.
	_ "github.com/casino-loyalty/loyalty/services/notifications"
	_ "github.com/casino-loyalty/loyalty/services/promotions"
	_ "github.com/casino-loyalty/loyalty/services/users"
)

// forbidden lists the packages that a domain must not depend on. It includes the packages below them.
var forbidden = []string{
	"net/http", "database/sql", "connectrpc.com", "google.golang.org", "entgo.io", "github.com/jackc", "github.com/redis",
	"github.com/prometheus", "go.opentelemetry.io", module + "/internal/tracing", module + "/internal/metrics", "github.com/golang-jwt", "github.com/twmb", "github.com/nats-io", "go.mongodb.org", "github.com/gorilla",
	module + "/gen", module + "/ent", module + "/internal/event", module + "/internal/event/outbox", module + "/internal/event/inbox",
}

const module = "github.com/casino-loyalty/loyalty"

func TestDomainDependencies(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{"users", "promotions", "notifications"} {
		list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/services/"+domain).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		deps := strings.Fields(string(list))
		if len(deps) == 0 || deps[len(deps)-1] != module+"/services/"+domain {
			t.Fatalf("go list -deps of %s returned %v", domain, deps)
		}
		for _, dep := range deps {
			for _, pkg := range forbidden {
				// Package uuid imports database/sql/driver.
				if dep == pkg || strings.HasPrefix(dep, pkg+"/") && dep != "database/sql/driver" {
					t.Errorf("services/%s depends on %s", domain, dep)
				}
			}
		}
	}
}
