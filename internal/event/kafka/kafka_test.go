package kafka_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
)

func TestMain(m *testing.M) { eventtest.Main(m, open) }

// outage is longer than the session timeout of 6 s.
const outage = 10 * time.Second

// open connects to brokers that are given as a comma-separated list.
func open(ctx context.Context, brokers string, log *slog.Logger) (event.Bus, error) {
	return kafka.New(ctx, kafka.Config{Brokers: strings.Split(brokers, ","), ClientID: "test"}, log)
}

// raw sends a record that has neither headers nor a key.
func raw(ctx context.Context, brokers, topic string, body []byte) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: body}).FirstErr()
}

// TestConformance runs the suite on three brokers in this process.
func TestConformance(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	eventtest.Run(t, eventtest.Driver{
		Addr:        strings.Join(cluster.ListenAddrs(), ","),
		Open:        open,
		Raw:         raw,
		Outage:      outage,
		Partitions:  6,
		Replication: 3,
	})
}
