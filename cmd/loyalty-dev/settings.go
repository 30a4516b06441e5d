package main

import (
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
)

// settingsFile is the name of the settings file in the data directory. With this file, the production program connects to
// the servers of a running loyalty-dev:
//
//	go run ./cmd/loyalty verify --settings DIR/loyalty.env
const settingsFile = "loyalty.env"

// writeSettings writes the settings file.
func writeSettings(dir *datadir.Dir, s *servers, bus string) error {
	lines := []string{
		"# Written by loyalty-dev at each start, for `loyalty COMMAND --settings FILE`.",
		"LOYALTY_USERS_DATABASE_URL=" + s.postgres.URL("users"),
		"LOYALTY_PROMOTIONS_DATABASE_URL=" + s.postgres.URL("promotions"),
		"LOYALTY_NOTIFICATIONS_DATABASE_URL=" + s.postgres.URL("notifications"),
		"LOYALTY_NOTIFICATIONS_STORE=postgres",
		"LOYALTY_LEDGER_KEY_FILE=" + dir.Path("secrets", "ledger-key"),
		"LOYALTY_REDIS_ADDRESS=" + s.redis.Addr(),
		"LOYALTY_REDIS_PASSWORD=" + s.password,
		"LOYALTY_REDIS_PLAIN=true",
		"LOYALTY_BUS=" + bus,
		fmt.Sprintf("LOYALTY_KAFKA_PARTITIONS=%d", partitions),
		"LOYALTY_BUS_REPLICATION=1",
	}
	if s.nats != nil {
		lines = append(lines, "LOYALTY_NATS_URL="+s.natsURL())
	} else {
		lines = append(lines, "LOYALTY_KAFKA_BROKERS="+strings.Join(s.kafka.Brokers(), ","),
			"LOYALTY_KAFKA_USERNAME="+embedded.Username, "LOYALTY_KAFKA_PASSWORD="+s.password)
	}
	return dir.Write(settingsFile, strings.Join(lines, "\n")+"\n")
}
