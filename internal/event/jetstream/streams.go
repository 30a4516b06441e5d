package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// EnsureTopics creates the streams of each topic and of its dead letters if they do not exist. The number of partitions is
// always Partitions. EnsureTopics returns an error if no server is available, instead of waiting for one.
func (b *Bus) EnsureTopics(ctx context.Context, _, replication int, topics ...event.TopicSpec) error {
	if err := b.connected(ctx); err != nil {
		return err
	}
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
	// A stream with other settings already exists. Do not change it.
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return b.failure("create the stream of "+topic, err)
	}
	return nil
}
