package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// deadLetterMaxBytes is the maximum record size of dead letter topics. It is larger than topicMaxBytes, because a dead
// letter is the record of its event with additional headers. The limit of a topic applies after compression, but the
// client's limit applies before it. The dead letter of a compressed record can therefore be too large, and is truncated.
const deadLetterMaxBytes = 2 << 20

// topicMaxBytes is the maximum record size of topics: 1 MiB, the default of producers, and 64 KiB for the headers that a
// replay adds.
const topicMaxBytes = 1<<20 + 64<<10

// minInSyncReplicas is the topic setting for the number of replicas that must have a record before it is acknowledged.
const minInSyncReplicas = "min.insync.replicas"

// requestTimeout limits the listing of the topics and the creation of one topic. Without it, the client would wait much
// longer for brokers that do not answer or have no controller.
const requestTimeout = 15 * time.Second

// EnsureTopics creates each topic and its dead letter topic if they do not exist. With three or more replicas, an event
// is acknowledged only after all replicas but at most one have it. One broker may therefore be unavailable. EnsureTopics
// does not wait for brokers: it returns a readiness.UnreachableError if none can be reached, or if they do not answer in
// time.
func (b *Bus) EnsureTopics(ctx context.Context, partitions, replication int, topics ...event.TopicSpec) error {
	err := b.explain(b.ensureTopics(ctx, partitions, replication, topics))
	if err != nil && ctx.Err() == nil && unreachable(err) {
		return &readiness.UnreachableError{Dependency: readiness.Bus, Err: err}
	}
	return err
}

// unreachable reports whether a later request may succeed. A broker that closes a new connection at once expects TLS or a
// password.
func unreachable(err error) bool {
	_, refused := errors.AsType[*kgo.ErrFirstReadEOF](err)
	return !refused && (kerr.IsRetriable(err) || readiness.Unreachable(err))
}

func (b *Bus) ensureTopics(ctx context.Context, partitions, replication int, topics []event.TopicSpec) error {
	if err := b.Ping(ctx); err != nil {
		return err
	}
	var names []string
	for _, t := range topics {
		names = append(names, t.Name, event.DeadLetterTopic(t.Name))
	}
	listing, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	existing, err := b.admin.ListTopics(listing, names...)
	if err != nil {
		return fmt.Errorf("kafka: list the topics: %w", err)
	}
	for _, t := range topics {
		config := map[string]*string{
			minInSyncReplicas:   format(max(1, replication-1)),
			"max.message.bytes": format(topicMaxBytes),
		}
		if t.Retention > 0 {
			config["retention.ms"] = format(t.Retention.Milliseconds())
		}
		if err := b.createTopic(ctx, existing, t.Name, partitions, replication, config); err != nil {
			return err
		}
		config["retention.ms"] = format(max(t.Retention, event.DeadLetterRetention).Milliseconds())
		config["max.message.bytes"] = format(deadLetterMaxBytes)
		if err := b.createTopic(ctx, existing, event.DeadLetterTopic(t.Name), partitions, replication, config); err != nil {
			return err
		}
	}
	return nil
}

// createTopic creates a topic that is not one of the existing topics. A user without the right to create topics needs the
// topics to exist.
func (b *Bus) createTopic(
	ctx context.Context, existing kadm.TopicDetails, name string, partitions, replication int, config map[string]*string,
) error {
	if existing.Has(name) {
		if err := existing[name].Err; err != nil {
			return fmt.Errorf("kafka: describe topic %s: %w", name, err)
		}
		return nil
	}
	if partitions < 1 || partitions > math.MaxInt32 || replication < 1 || replication > math.MaxInt16 {
		return fmt.Errorf("kafka: topic %s cannot have %d partitions on %d replicas", name, partitions, replication)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := b.admin.CreateTopic(ctx, int32(partitions), int16(replication), config, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("kafka: create topic %s: %w", name, err)
	}
	return nil
}

// format returns a pointer to n in decimal, the form that topic settings need.
func format[N int | int64](n N) *string {
	s := strconv.FormatInt(int64(n), 10)
	return &s
}
