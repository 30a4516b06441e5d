package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// EnsureTopics creates the stream of each topic and of its dead letters unless it exists. The number of partitions is
// fixed, see Partitions.
func (b *Bus) EnsureTopics(ctx context.Context, _, replication int, topics ...event.TopicSpec) error {
	for _, t := range topics {
		subjects := []string{subjectOf(t.Name)}
		for p := range Partitions {
			subjects = append(subjects, partitionSubject(t.Name, p))
		}
		if err := b.createStream(ctx, t.Name, subjects, replication, t.Retention); err != nil {
			return err
		}
		dead := event.DeadLetterTopic(t.Name)
		retention := max(t.Retention, event.DeadLetterRetention)
		if err := b.createStream(ctx, dead, []string{subjectOf(dead)}, replication, retention); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) createStream(
	ctx context.Context, topic string, subjects []string, replication int, retention time.Duration,
) error {
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:     streamOf(topic),
		Subjects: subjects,
		Storage:  jetstream.FileStorage,
		Replicas: replication,
		MaxAge:   retention,
	})
	// A stream of that name with other settings exists: it is left as it is.
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("jetstream: create the stream of %s: %w", topic, err)
	}
	return nil
}
