package main

import (
	"errors"
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

// ownerFile is the name of a settings file with the owner of the databases, for loyalty migrate and loyalty backup.
const ownerFile = "owner.env"

// writeSettings writes the settings files.
func writeSettings(dir *datadir.Dir, s *servers, bus string) error {
	lines := []string{
		"# Written by loyalty-dev at each start, for `loyalty COMMAND --settings FILE`.",
		"LOYALTY_USERS_DATABASE_URL=" + s.databaseURL("users"),
		"LOYALTY_PROMOTIONS_DATABASE_URL=" + s.databaseURL("promotions"),
		"LOYALTY_NOTIFICATIONS_DATABASE_URL=" + s.databaseURL("notifications"),
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
	owner := []string{
		"# Written by loyalty-dev at each start, for `loyalty migrate` and `loyalty backup`: the databases with their owner.",
		"LOYALTY_NOTIFICATIONS_STORE=postgres",
	}
	for _, name := range databases {
		prefix := "LOYALTY_" + strings.ToUpper(name) + "_DATABASE_"
		owner = append(owner, prefix+"URL="+s.postgres.URL(name), prefix+"ROLE="+name)
	}
	return errors.Join(dir.Write(settingsFile, strings.Join(lines, "\n")+"\n"),
		dir.Write(ownerFile, strings.Join(owner, "\n")+"\n"))
}
