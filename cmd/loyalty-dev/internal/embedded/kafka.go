package embedded

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Kafka is an in-process cluster of three brokers that speaks Kafka's protocol. Topics, records and the groups' offsets
// are kept in its directory.
//
// What was acknowledged survives the end of the process, kill -9 included. As with real Kafka, writes are left to the
// operating system to flush: when the machine itself crashes, the last seconds may be lost, and no replica elsewhere
// has them.
type Kafka struct {
	cluster *kfake.Cluster
}

// StartKafka loads dir, which may be missing, and listens on free ports. Topics must be created by an admin call: there
// is no auto-creation, since a topic that came into being so would not be kept.
func StartKafka(dir string, log *slog.Logger) (*Kafka, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(3),
		kfake.DataDir(dir),
		kfake.WithLogger(kafkaLog{log}),
	)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Kafka{cluster}, nil
}

// Brokers are the brokers' hosts and ports.
func (k *Kafka) Brokers() []string { return k.cluster.ListenAddrs() }

// Close stops the brokers once all is on disk.
func (k *Kafka) Close() { k.cluster.Close() }

// kafkaLog passes on what kfake says of its own health. Its lower levels narrate every request.
type kafkaLog struct{ log *slog.Logger }

func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error(fmt.Sprintf(format, args...), "server", "kafka")
	case kfake.LogLevelWarn:
		l.log.Warn(fmt.Sprintf(format, args...), "server", "kafka")
	default: // narrates
	}
}
