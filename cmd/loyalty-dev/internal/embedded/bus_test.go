package embedded_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
)

const topic, group, count = "players", "promotions", 100

// deadline returns a context that limits how long a test waits.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startKafka(t *testing.T, dir string) *embedded.Kafka {
	t.Helper()
	k, err := embedded.StartKafka(dir, password, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func kafkaClient(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	auth := scram.Auth{User: embedded.Username, Pass: password}
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.SASL(auth.AsSha512Mechanism()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// fillKafka creates the topic, publishes the records 0 to count-1 and commits the first half for the group.
func fillKafka(t *testing.T, brokers []string) {
	t.Helper()
	ctx := deadline(t)
	client := kafkaClient(t, brokers, kgo.DefaultProduceTopic(topic))
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 1, 3, nil, topic); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if err := client.ProduceSync(ctx, kgo.StringRecord(strconv.Itoa(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, count/2, -1)
	if err := admin.CommitAllOffsets(ctx, group, offsets); err != nil {
		t.Fatal(err)
	}
}

// checkKafka reads the second half of the records.
func checkKafka(t *testing.T, brokers []string) {
	t.Helper()
	ctx := deadline(t)
	client := kafkaClient(t, brokers, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic))
	for want := count / 2; want < count; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("waiting for record %d: %v", want, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if string(r.Value) != strconv.Itoa(want) {
				t.Fatalf("got record %s, want %d", r.Value, want)
			}
			want++
		})
	}
}

func TestKafkaKeepsRecordsAndOffsets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	k := startKafka(t, dir)
	fillKafka(t, k.Brokers())
	k.Close()

	k = startKafka(t, dir)
	defer k.Close()
	checkKafka(t, k.Brokers())
}

func TestKafkaSurvivesKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	process, brokers := startProcess(t, "kafka", dir)
	fillKafka(t, strings.Split(brokers, ","))
	kill(t, process)

	k := startKafka(t, dir)
	defer k.Close()
	checkKafka(t, k.Brokers())
}

func TestKafkaListensOnLoopbackOnly(t *testing.T) {
	k := startKafka(t, t.TempDir())
	defer k.Close()
	if len(k.Brokers()) != 3 {
		t.Errorf("brokers %v, want three", k.Brokers())
	}
	for _, addr := range k.Brokers() {
		checkLoopback(t, addr)
	}
}

func checkLoopback(t *testing.T, addr string) {
	t.Helper()
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host != "127.0.0.1" {
		t.Errorf("listens on %q (%v), want 127.0.0.1", addr, err)
	}
}

func startNATS(t *testing.T, dir string) *embedded.NATS {
	t.Helper()
	n, err := embedded.StartNATS(deadline(t), dir, password, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func stream(t *testing.T, url string) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(url, nats.UserInfo(embedded.Username, password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateOrUpdateStream(deadline(t), jetstream.StreamConfig{Name: topic, Subjects: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fillNATS publishes the messages 0 to count-1 and acknowledges the first half of them for the group.
func fillNATS(t *testing.T, url string) {
	t.Helper()
	s := stream(t, url)
	conn, err := nats.Connect(url, nats.UserInfo(embedded.Username, password))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if _, err := js.Publish(deadline(t), topic, []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	readNATS(t, s, 0, count/2)
}

// readNATS reads and acknowledges messages up to last-1 without a gap. The first message is first or, after a redelivery, an
// earlier one.
func readNATS(t *testing.T, s jetstream.Stream, first, last int) {
	t.Helper()
	ctx := deadline(t)
	consumer, err := s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: group, MaxAckPending: 1, AckWait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	for want := -1; want < last; want++ {
		m, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatalf("waiting for message %d: %v", want, err)
		}
		got, err := strconv.Atoi(string(m.Data()))
		if err != nil || got > first && want < 0 || got != want && want >= 0 {
			t.Fatalf("got message %s, want %d", m.Data(), max(want, first))
		}
		want = got
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNATSSurvivesKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	process, url := startProcess(t, "nats", dir)
	fillNATS(t, url)
	kill(t, process)

	n := startNATS(t, dir)
	defer n.Close()
	checkLoopback(t, strings.TrimPrefix(n.URL(), "nats://"))
	readNATS(t, stream(t, n.URL()), count/2, count)
}

func TestNATSReportsAnUnusableDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := embedded.StartNATS(deadline(t), dir, password, slog.New(slog.DiscardHandler))
	if err == nil {
		n.Close()
		t.Fatal("StartNATS with a file as its directory succeeded, want an error")
	}
	if strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v, want the cause and not the timeout", err)
	}
}
