package jetstream

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// EnsureTopics creates the streams of each topic and of its dead letters if they do not exist. The number of partitions is
// always Partitions. EnsureTopics does not wait for a server: it returns a readiness.UnreachableError if none is available.
func (b *Bus) EnsureTopics(ctx context.Context, _, replication int, topics ...event.TopicSpec) error {
	err := b.ensureTopics(ctx, replication, topics)
	if err != nil && ctx.Err() == nil && unreachable(err) {
		return &readiness.UnreachableError{Dependency: readiness.Bus, Err: err}
	}
	return err
}

// unreachable reports whether a later request may succeed. A server answers 503 while the cluster has no leader.
func unreachable(err error) bool {
	for _, permanent := range []error{
		nats.ErrAuthorization, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount,
	} {
		if errors.Is(err, permanent) {
			return false
		}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code == http.StatusServiceUnavailable ||
		errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || readiness.Unreachable(err)
}

func (b *Bus) ensureTopics(ctx context.Context, replication int, topics []event.TopicSpec) error {
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
	// A user without the right to create streams needs the streams to exist.
	_, err := b.js.Stream(ctx, streamOf(topic))
	if err == nil {
		return nil
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return b.failure("describe the stream of "+topic, err)
	}
	_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{
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
