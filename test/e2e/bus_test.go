package e2e_test

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
)

// startBus starts a Kafka or NATS server and returns the settings for it.
func (c *cluster) startBus(kind string) []string {
	c.t.Helper()
	if kind == "nats" {
		return c.startNATS()
	}
	return c.startKafka()
}

func (c *cluster) startKafka() []string {
	t := c.t
	t.Helper()
	brokers, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	list := brokers.ListenAddrs()
	c.connectKafka(kafka.Config{Brokers: list})
	return []string{"LOYALTY_BUS=kafka", "LOYALTY_KAFKA_BROKERS=" + strings.Join(list, ","), "LOYALTY_KAFKA_PARTITIONS=4"}
}

// connectKafka opens the bus of the test, and a producer of records without headers.
func (c *cluster) connectKafka(cfg kafka.Config) {
	t := c.t
	t.Helper()
	options := []kgo.Opt{kgo.SeedBrokers(cfg.Brokers...)}
	if cfg.Username != "" {
		options = append(options, kgo.SASL(kafkacluster.Mechanism(cfg.Username, cfg.Password)))
	}
	producer, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	c.publishRaw = func(topic, key string, data []byte) {
		record := &kgo.Record{Topic: topic, Key: []byte(key), Value: data}
		if err := producer.ProduceSync(c.t.Context(), record).FirstErr(); err != nil {
			c.t.Fatal(err)
		}
	}
	cfg.ClientID = "e2e"
	bus, err := kafka.New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	c.bus = bus
}

func (c *cluster) startNATS() []string {
	t := c.t
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true}
	srv, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	eventually(t, "NATS is ready", func() error {
		if !srv.Running() || srv.Addr() == nil {
			return errors.New("the server does not listen yet")
		}
		return nil
	})
	conn, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	c.publishRaw = func(topic, _ string, data []byte) {
		if err := errors.Join(conn.Publish("loyalty."+topic+".v1", data), conn.Flush()); err != nil {
			c.t.Fatal(err)
		}
	}
	bus, err := jetstream.New(t.Context(), jetstream.Config{URL: srv.ClientURL(), Name: "e2e"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	c.bus = bus
	return []string{"LOYALTY_BUS=nats", "LOYALTY_NATS_URL=" + srv.ClientURL(), "LOYALTY_BUS_REPLICATION=1"}
}
