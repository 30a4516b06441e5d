package main

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/internal/config"
)

func TestTheBusIsLoggedInTo(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "loyalty", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	environ := []string{
		"LOYALTY_KAFKA_BROKERS=" + cluster.ListenAddrs()[0], "LOYALTY_BUS_REPLICATION=1",
		"LOYALTY_KAFKA_USERNAME=loyalty", "LOYALTY_KAFKA_PASSWORD=secret",
	}
	settings, err := config.From[busSettings](environ)
	if err != nil {
		t.Fatal(err)
	}
	bus, err := settings.open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for _, topic := range topicNames() {
		if n, err := bus.Depth(t.Context(), topic); n != 0 || err != nil {
			t.Errorf("%s: %d dead letters, %v", topic, n, err)
		}
	}
}

// What only looks at the bus must not make topics, on a broker perhaps that is not the platform's.
func TestConnectingMakesNoTopics(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	bus, err := busSettings{Kind: "kafka", Brokers: addresses(cluster.ListenAddrs())}.connect(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if err := bus.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info := cluster.TopicInfo(topicNames()[0]); info != nil {
		t.Errorf("there is a topic %+v", info)
	}
}

func addresses(list []string) []config.Address {
	var out []config.Address
	for _, a := range list {
		out = append(out, config.Address(a))
	}
	return out
}
