package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
)

func TestMain(m *testing.M) { eventtest.Main(m, open) }

// oversize is more than the topic of the dead letters takes; it compresses to less than the topic does.
const oversize = 5 << 20

// outage is longer than the session timeout of 6 s.
const outage = 10 * time.Second

// open connects to brokers that are given as a comma-separated list.
func open(ctx context.Context, brokers string, log *slog.Logger) (event.Bus, error) {
	return kafka.New(ctx, kafka.Config{Brokers: strings.Split(brokers, ","), ClientID: "test"}, log)
}

// raw sends a record that has neither headers nor a key, compressed, to the first partition.
func raw(ctx context.Context, brokers, topic string, body []byte) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(2*oversize),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: body}).FirstErr()
}

// forget moves the beginnings of the topic's partitions to their ends.
func forget(ctx context.Context, brokers, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	forgotten, err := admin.DeleteRecords(ctx, ends.Offsets())
	return errors.Join(err, forgotten.Error())
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
		Oversize:    oversize,
		Forget:      forget,
		Outage:      outage,
		Partitions:  6,
		Replication: 3,
	})
}
