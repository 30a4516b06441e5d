package jetstream_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
)

func TestMain(m *testing.M) { eventtest.Main(m, open) }

func open(ctx context.Context, url string, log *slog.Logger) (event.Bus, error) {
	return jetstream.New(ctx, jetstream.Config{URL: url, Name: "test"}, log)
}

// send sends a message to the subject without a partition number.
func send(_ context.Context, url, topic string, headers map[string]string, body []byte) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	m := &nats.Msg{Subject: "loyalty." + topic + ".v1", Data: body, Header: nats.Header{}}
	for name, value := range headers {
		m.Header[name] = []string{value}
	}
	if err := conn.PublishMsg(m); err != nil {
		return err
	}
	return conn.Flush()
}

// purge deletes all messages of the topic.
func purge(ctx context.Context, url, topic string) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := natsjs.New(conn)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, "loyalty_"+topic+"_v1")
	if err != nil {
		return err
	}
	return stream.Purge(ctx)
}

// startServer starts a server in this process that stores its streams in dir.
func startServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	t.Cleanup(func() { stopServer(s) })
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func TestConformance(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	eventtest.Run(t, eventtest.Driver{
		Addr:        s.ClientURL(),
		Open:        open,
		Send:        send,
		Oversize:    1<<20 - 600, // just below max_payload; a dead letter adds more bytes than a replay
		Purge:       purge,
		Outage:      8 * time.Second, // AckWait is 5 s
		Partitions:  jetstream.Partitions,
		Replication: 1,
	})
}
