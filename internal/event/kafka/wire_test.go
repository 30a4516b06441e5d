package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
)

// startFake starts a cluster of fake brokers in this process, one broker unless opts say otherwise, and returns their
// addresses.
func startFake(t *testing.T, opts ...kfake.Opt) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

func newBus(t *testing.T, cfg kafka.Config) *kafka.Bus {
	t.Helper()
	cfg.ClientID = "test"
	bus, err := kafka.New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// TestWire checks a published record as other clients see it.
func TestWire(t *testing.T) {
	brokers := startFake(t)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 2, 1, event.TopicSpec{Name: "players"}); err != nil {
		t.Fatal(err)
	}
	err := bus.Publish(t.Context(), event.Event{
		ID: "0198", Source: "/loyalty/users", Type: "loyalty.users.v1.PLAYER_REGISTERED", Topic: "players", Key: "u1",
		Time: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), ContentType: event.ContentProtobuf, Data: []byte{1, 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("players"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
	defer cancel()
	r := client.PollRecords(ctx, 1).Records()[0]
	headers := make(map[string]string)
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"ce_specversion": "1.0",
		"ce_id":          "0198",
		"ce_source":      "/loyalty/users",
		"ce_type":        "loyalty.users.v1.PLAYER_REGISTERED",
		"ce_time":        "2026-03-10T12:00:00Z",
		"content-type":   "application/protobuf",
	}
	if !reflect.DeepEqual(headers, want) {
		t.Errorf("headers are %v, want %v", headers, want)
	}
	if string(r.Key) != "u1" || string(r.Value) != "\x01\x02" {
		t.Errorf("record has key %q and value %q, want \"u1\" and \"\\x01\\x02\"", r.Key, r.Value)
	}
}

func TestTopicConfig(t *testing.T) {
	brokers := startFake(t, kfake.NumBrokers(3))
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 5, 3, event.TopicSpec{Name: "players", Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for topic, want := range map[string]map[string]string{
		"players":     {"retention.ms": "3600000", "min.insync.replicas": "2", "max.message.bytes": "1114112"},
		"players.dlq": {"retention.ms": "2592000000", "min.insync.replicas": "2", "max.message.bytes": "2097152"},
	} {
		details, err := admin.ListTopics(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(details[topic].Partitions); n != 5 {
			t.Errorf("%s has %d partitions, want 5", topic, n)
		}
		if n := details[topic].Partitions.NumReplicas(); n != 3 {
			t.Errorf("%s has %d replicas, want 3", topic, n)
		}
		configs, err := admin.DescribeTopicConfigs(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, c := range configs[0].Configs {
			if _, ok := want[c.Key]; ok {
				got[c.Key] = c.MaybeValue()
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is configured as %v, want %v", topic, got, want)
		}
	}
	if err := bus.EnsureTopics(t.Context(), 0, 3, event.TopicSpec{Name: "none"}); err == nil {
		t.Error("EnsureTopics with 0 partitions returned no error")
	}
}

// TestDepthOfNewTopic calls Depth before the topic exists and creates the topic while Depth retries. The brokers of a
// real cluster also learn of a new topic at different times.
func TestDepthOfNewTopic(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	bus := newBus(t, kafka.Config{Brokers: cluster.ListenAddrs()})
	requested := make(chan struct{}, 100)
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, topic := range r.(*kmsg.MetadataRequest).Topics {
			if topic.Topic != nil && *topic.Topic == "late.dlq" {
				select {
				case requested <- struct{}{}:
				default:
				}
			}
		}
		return nil, nil, false //nolint:nilnil // the cluster handles the request
	})
	created := make(chan error, 1)
	go func() {
		<-requested
		<-requested // the second request shows that the first one was answered
		created <- bus.EnsureTopics(t.Context(), 2, 1, event.TopicSpec{Name: "late"})
	}()
	if n, err := bus.Depth(t.Context(), "late"); n != 0 || err != nil {
		t.Errorf("Depth = %d, %v; want 0", n, err)
	}
	if err := <-created; err != nil {
		t.Error(err)
	}
}

func TestDepthOfUnknownTopic(t *testing.T) {
	bus := newBus(t, kafka.Config{Brokers: startFake(t)})
	if _, err := bus.Depth(t.Context(), "never"); !errors.Is(err, event.ErrNoTopic) || !strings.Contains(err.Error(), "never.dlq") {
		t.Errorf("Depth of an unknown topic returned %v, want ErrNoTopic with the name never.dlq", err)
	}
}

func TestSASL(t *testing.T) {
	brokers := startFake(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "loyalty", "secret"))
	good := newBus(t, kafka.Config{Brokers: brokers, Username: "loyalty", Password: "secret"})
	if err := good.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	bad := newBus(t, kafka.Config{Brokers: brokers, Username: "loyalty", Password: "guess-123"})
	if err := bad.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "guess-123") {
		t.Errorf("Ping with a wrong password returned %v, want an error without the password", err)
	}
}

func TestNewRefusesInvalidConfig(t *testing.T) {
	for want, cfg := range map[string]kafka.Config{
		"no brokers":   {ClientID: "c"},
		"no client id": {Brokers: []string{"b:1"}},
		"together":     {Brokers: []string{"b:1"}, ClientID: "c", Username: "u"},
	} {
		if _, err := kafka.New(t.Context(), cfg, slog.Default()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New returned %v, want an error with %q", err, want)
		}
	}
}
