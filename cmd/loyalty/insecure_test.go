package main

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
)

// TestProtectedConnections loads settings that are protected, or whose servers are on this machine, or that allow what is
// missing.
func TestProtectedConnections(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"TLS and passwords": `LOYALTY_USERS_DATABASE_URL=postgres://u:p@db/users?sslmode=verify-full
LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u:p@a,b/promotions?sslmode=require
LOYALTY_MONGODB_URL=mongodb+srv://u:p@db/n
LOYALTY_KAFKA_BROKERS=a:1,b:1
LOYALTY_KAFKA_TLS=true
LOYALTY_KAFKA_USERNAME=u
LOYALTY_KAFKA_PASSWORD=p`,
		"this machine": `LOYALTY_USERS_DATABASE_URL=postgres://u@localhost/users?sslmode=disable
LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u@/promotions?host=/var/run/postgresql
LOYALTY_MONGODB_URL=mongodb://localhost,127.0.0.2:27017/n
LOYALTY_KAFKA_BROKERS=127.1.2.3:1,[::1]:2,localhost:3`,
		"allowed": `LOYALTY_USERS_DATABASE_URL=postgres://u@db/users
LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u@db/promotions
LOYALTY_INSECURE_POSTGRES=no-password,no-tls
LOYALTY_MONGODB_URL=mongodb://db/n
LOYALTY_INSECURE_MONGODB=no-tls, no-password
LOYALTY_KAFKA_BROKERS=kafka:1
LOYALTY_INSECURE_KAFKA=no-tls,no-password`,
		"other bus": `LOYALTY_USERS_DATABASE_URL=postgres://u:p@localhost/users
LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u:p@localhost/promotions
LOYALTY_MONGODB_URL=mongodb://u:p@db/n?ssl=true
LOYALTY_BUS=nats
LOYALTY_KAFKA_BROKERS=kafka:1
LOYALTY_NATS_URL=tls://token@nats,nats://localhost`,
	} {
		environ := append(strings.Split(lines, "\n"), "LOYALTY_LEDGER_KEY="+strings.Repeat("QUFB", 11)[:43]+"=")
		if _, err := config.From[verifySettings](environ); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCheckConnections reports connections that are not protected.
func TestCheckConnections(t *testing.T) {
	t.Parallel()
	const unreachable = "redis.invalid:6379"
	for name, tt := range map[string]struct {
		settings []string
		level    string
		want     []string
	}{
		"refused": {
			[]string{"LOYALTY_REDIS_ADDRESS=" + unreachable}, "fail",
			[]string{"connections", "LOYALTY_REDIS_ADDRESS: the connection to another machine is not encrypted", "LOYALTY_INSECURE_REDIS=no-tls"},
		},
		"no password": {
			[]string{"LOYALTY_REDIS_ADDRESS=" + unreachable, "LOYALTY_REDIS_TLS=true"}, "fail",
			[]string{"connections", "LOYALTY_REDIS_ADDRESS: no password protects the server", "LOYALTY_INSECURE_REDIS=no-password"},
		},
		"allowed": {
			[]string{"LOYALTY_REDIS_ADDRESS=" + unreachable, "LOYALTY_REDIS_PASSWORD=p", "LOYALTY_INSECURE_REDIS=no-tls"}, "warn",
			[]string{"connections", "is not encrypted, as LOYALTY_INSECURE_REDIS allows"},
		},
		"this machine": {
			[]string{"LOYALTY_REDIS_ADDRESS=" + free(t)}, "ok", []string{"connections", "are encrypted and use passwords"},
		},
	} {
		if _, output := runChecks(t, with(nil, tt.settings...)); !hasLine(output, tt.level, tt.want...) {
			t.Errorf("%s: no line %q with %q:\n%s", name, tt.level, tt.want, output)
		}
	}
}
