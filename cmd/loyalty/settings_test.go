package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/internal/config"
)

func TestOpenKafkaWithPassword(t *testing.T) {
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
	bus, err := settings.connect(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if err := settings.createTopics(t.Context(), bus); err != nil {
		t.Fatal(err)
	}
	for _, topic := range topicNames() {
		if n, err := bus.Depth(t.Context(), topic); n != 0 || err != nil {
			t.Errorf("%s: %d dead letters, %v, want 0", topic, n, err)
		}
	}
}

// TestConnectCreatesNoTopics checks connect, which commands such as "events" and "verify" use. They must not create topics,
// because the settings may name the wrong broker.
func TestConnectCreatesNoTopics(t *testing.T) {
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
		t.Errorf("connect created the topic %+v", info)
	}
}

func addresses(list []string) []config.Address {
	var out []config.Address
	for _, a := range list {
		out = append(out, config.Address(a))
	}
	return out
}

func TestInvalidSettingsHideSecrets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ command, setting, want string }{
		"quotes":                {"users", `LOYALTY_USERS_DATABASE_URL="postgres://u:hunter2@h/d?x=y"`, "LOYALTY_USERS_DATABASE_URL is in quotes"},
		"password with @ and /": {"users", "LOYALTY_USERS_DATABASE_URL=postgres://u:1/hunter2@@h/d", "LOYALTY_USERS_DATABASE_URL cannot be read"},
		"password with @":       {"users", "LOYALTY_USERS_DATABASE_URL=postgres://u:1@hunter2@h/d", "LOYALTY_USERS_DATABASE_URL cannot be read"},
		"unknown sslmode":       {"users", "LOYALTY_USERS_DATABASE_URL=postgres://u:hunter2@h/d?sslmode=on", "LOYALTY_USERS_DATABASE_URL has a parameter"},
		"missing certificate":   {"promotions", "LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u:hunter2@h/d?sslrootcert=/hunter2", "LOYALTY_PROMOTIONS_DATABASE_URL has a parameter"},
		"timeout with a unit":   {"verify", "LOYALTY_USERS_DATABASE_URL=postgres://u:hunter2@h/d?connect_timeout=5s", "LOYALTY_USERS_DATABASE_URL has a parameter"},
		"host twice":            {"migrate up", "LOYALTY_USERS_DATABASE_URL=postgres://u:hunter2@h/d?host=hunter2", "LOYALTY_USERS_DATABASE_URL has two values for host"},
		"password with }":       {"promotions", "LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u:hunter2}@h/d", "LOYALTY_PROMOTIONS_DATABASE_URL cannot be read"},
		"MongoDB":               {"notifications", "LOYALTY_MONGODB_URL=mongodb://u:1/hunter2@h/d", "LOYALTY_MONGODB_URL cannot be read"},
		"NATS":                  {"users", "LOYALTY_NATS_URL=nats://u:hunter2}@h", "LOYALTY_NATS_URL cannot be read"},
		"Redis":                 {"users", "LOYALTY_REDIS_ADDRESS=redis://:hunter2@h:6379", "LOYALTY_REDIS_ADDRESS must be an address and not a URL"},
		"Kafka":                 {"users", "LOYALTY_KAFKA_BROKERS=SASL://u:hunter2@h:9092", "LOYALTY_KAFKA_BROKERS must be an address and not a URL"},
		"token key":             {"users", "LOYALTY_TOKEN_KEY=hunter2", "LOYALTY_TOKEN_KEY must be a key in PEM"},
		"migrate":               {"migrate up", `LOYALTY_USERS_DATABASE_URL='postgres://u:hunter2@h/d'`, "LOYALTY_USERS_DATABASE_URL is in quotes"},
		"migrate, keywords":     {"migrate up", "LOYALTY_USERS_DATABASE_URL=host=h password=hunter2", "LOYALTY_USERS_DATABASE_URL is a list of keywords"},
		"verify":                {"verify", "LOYALTY_USERS_DATABASE_URL=http://u:hunter2@h/d", "LOYALTY_USERS_DATABASE_URL begins with http://, but must begin with postgres://"},
		"admin":                 {"admin a@b.example", "LOYALTY_USERS_DATABASE_URL=postgres://u:hunter2@h", "LOYALTY_USERS_DATABASE_URL names no database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "settings")
			if err := os.WriteFile(file, []byte(tt.setting), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := run(t, append(strings.Fields(tt.command), "--settings", file)...)
			if code != 1 || !strings.Contains(stderr, tt.want) || strings.Contains(stdout+stderr, "hunter2") {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit 1, %q on stderr and no secret", code, stdout, stderr, tt.want)
			}
		})
	}
}
