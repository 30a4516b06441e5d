package embedded_test

import (
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/redis/rueidis"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
)

// TestServersRequireThePassword connects to each server without a password, with a wrong password and with the password.
func TestServersRequireThePassword(t *testing.T) {
	redis, err := embedded.StartRedis(password)
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	kafka := startKafka(t, filepath.Join(t.TempDir(), "kafka"))
	defer kafka.Close()
	natsServer := startNATS(t, filepath.Join(t.TempDir(), "nats"))
	defer natsServer.Close()

	servers := map[string]func(t *testing.T, password string) error{
		"Redis": func(t *testing.T, password string) error {
			client, err := rueidis.NewClient(rueidis.ClientOption{
				InitAddress: []string{redis.Addr()}, Password: password,
				DisableCache: true, AlwaysRESP2: true, ForceSingleClient: true,
			})
			if err != nil {
				return err
			}
			defer client.Close()
			return client.Do(deadline(t), client.B().Set().Key("k").Value("v").Build()).Error()
		},
		"Kafka": func(t *testing.T, password string) error {
			options := []kgo.Opt{kgo.SeedBrokers(kafka.Brokers()...), kgo.RequestRetries(0)}
			if password != "" {
				auth := scram.Auth{User: embedded.Username, Pass: password}
				options = append(options, kgo.SASL(auth.AsSha512Mechanism()))
			}
			client, err := kgo.NewClient(options...)
			if err != nil {
				return err
			}
			defer client.Close()
			return client.Ping(deadline(t))
		},
		"NATS": func(_ *testing.T, password string) error {
			var options []nats.Option
			if password != "" {
				options = append(options, nats.UserInfo(embedded.Username, password))
			}
			conn, err := nats.Connect(natsServer.URL(), options...)
			if err == nil {
				conn.Close()
			}
			return err
		},
	}
	for name, use := range servers {
		t.Run(name, func(t *testing.T) {
			if err := use(t, ""); err == nil {
				t.Error("a client without a password was accepted")
			}
			if err := use(t, "wrong"); err == nil {
				t.Error("a client with a wrong password was accepted")
			}
			if err := use(t, password); err != nil {
				t.Errorf("a client with the password: %v", err)
			}
		})
	}
}
