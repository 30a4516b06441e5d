package main

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestServiceRole checks that a service refuses a role that can change the rules of its database, unless a setting allows
// it.
func TestServiceRole(t *testing.T) {
	t.Parallel()
	owner, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	const setting = "LOYALTY_USERS_DATABASE_URL"
	allowed := func(text string) (i insecurePostgres) {
		if err := i.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return i
	}
	for name, r := range map[string]serviceRole{
		"role of the service": {setting, config.PostgresURL(role), insecurePostgres{}},
		"owner, allowed":      {setting, config.PostgresURL(owner), allowed("no-tls, owner-role")},
		"MongoDB":             {},
	} {
		if err := r.check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := serviceRole{setting, config.PostgresURL(owner), allowed("no-tls,no-password")}.check(t.Context())
	for _, want := range []string{setting, "is a superuser", "LOYALTY_INSECURE_POSTGRES=owner-role"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("owner: got the error %v, want one with %q", err, want)
		}
	}
}
