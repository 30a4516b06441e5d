package embedded

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Kafka is an in-process cluster of three brokers that speaks the Kafka protocol. It stores topics, records and group
// offsets in its data directory.
//
// Acknowledged writes survive the end of the process, including kill -9. As with real Kafka, the operating system flushes
// them to disk later. If the machine crashes, the writes of the last seconds may be lost.
type Kafka struct {
	cluster *kfake.Cluster
}

// StartKafka starts the brokers on free ports. It loads the data in dir, or creates the directory. Clients must authenticate
// as Username with the password, over SASL SCRAM-SHA-512. They must create topics with an admin request, because the brokers
// do not store automatically created topics.
func StartKafka(dir, password string, log *slog.Logger) (*Kafka, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(3),
		kfake.DataDir(dir),
		kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", Username, password),
		kfake.WithLogger(kafkaLog{log}),
	)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Kafka{cluster}, nil
}

// Brokers returns the addresses of the brokers.
func (k *Kafka) Brokers() []string { return k.cluster.ListenAddrs() }

// Close writes all data and stops the brokers.
func (k *Kafka) Close() { k.cluster.Close() }

// kafkaLog forwards the warnings and errors of kfake. It drops the lower levels, which log every request.
type kafkaLog struct{ log *slog.Logger }

func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error(fmt.Sprintf(format, args...), "server", "kafka")
	case kfake.LogLevelWarn:
		l.log.Warn(fmt.Sprintf(format, args...), "server", "kafka")
	default: // every request
	}
}
