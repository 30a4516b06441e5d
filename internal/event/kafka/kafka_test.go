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

// oversize is above the limit of dead letter topics. Compressed, a body of this size is below the limit of topics.
const oversize = 5 << 20

// outage is longer than the session timeout of 6 s.
const outage = 10 * time.Second

// open returns a bus that connects to a comma-separated list of brokers.
func open(ctx context.Context, brokers string, log *slog.Logger) (event.Bus, error) {
	return kafka.New(ctx, kafka.Config{Brokers: strings.Split(brokers, ","), ClientID: "test"}, log)
}

// send sends a compressed record without a key to the first partition.
func send(ctx context.Context, brokers, topic string, headers map[string]string, body []byte) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(2*oversize),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	r := &kgo.Record{Topic: topic, Value: body}
	for name, value := range headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return client.ProduceSync(ctx, r).FirstErr()
}

// purge deletes all records of the topic.
func purge(ctx context.Context, brokers, topic string) error {
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
	deleted, err := admin.DeleteRecords(ctx, ends.Offsets())
	return errors.Join(err, deleted.Error())
}

// TestConformance runs the suite on three fake brokers in this process.
func TestConformance(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	eventtest.Run(t, eventtest.Driver{
		Addr:        strings.Join(cluster.ListenAddrs(), ","),
		Open:        open,
		Send:        send,
		Oversize:    oversize,
		Purge:       purge,
		Outage:      outage,
		Partitions:  6,
		Replication: 3,
	})
}
