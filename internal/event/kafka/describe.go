package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Describe returns the estimated version of the brokers and the state of topics. It needs the right to describe the topics
// and their configuration.
func (b *Bus) Describe(ctx context.Context, topics ...string) (event.Description, error) {
	versions, err := b.admin.ApiVersions(ctx)
	if err != nil {
		return event.Description{}, fmt.Errorf("kafka: read the version of the brokers: %w", err)
	}
	var d event.Description
	for _, broker := range versions.Sorted() {
		d.Version = broker.VersionGuess()
		d.MinSessionTimeout, d.ServerTimeout = b.timeouts(ctx, broker.NodeID)
	}
	details, err := b.admin.ListTopics(ctx, topics...)
	if err != nil {
		return event.Description{}, fmt.Errorf("kafka: list the topics: %w", b.explain(err))
	}
	configs, err := b.admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return event.Description{}, fmt.Errorf("kafka: read the configuration of the topics: %w", b.explain(err))
	}
	for _, name := range topics {
		state, err := describe(name, details[name], configs)
		if err != nil {
			return event.Description{}, fmt.Errorf("kafka: describe topic %s: %w", name, b.explain(err))
		}
		d.Topics = append(d.Topics, state)
	}
	return d, nil
}

// timeouts returns two settings of a broker. They are 0 if the broker does not report them, or the user may not read them.
func (b *Bus) timeouts(ctx context.Context, broker int32) (minSession, brokerSession time.Duration) {
	configs, err := b.admin.DescribeBrokerConfigs(ctx, broker)
	if err != nil {
		return 0, 0
	}
	for _, c := range configs {
		for _, setting := range c.Configs {
			ms, err := strconv.Atoi(setting.MaybeValue())
			if err != nil {
				continue
			}
			switch value := time.Duration(ms) * time.Millisecond; setting.Key {
			case "group.min.session.timeout.ms":
				minSession = value
			case "broker.session.timeout.ms":
				brokerSession = value
			}
		}
	}
	return minSession, brokerSession
}

func describe(name string, detail kadm.TopicDetail, configs kadm.ResourceConfigs) (event.TopicState, error) {
	s := event.TopicState{Name: name}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) || len(detail.Partitions) == 0 && detail.Err == nil {
		return s, nil
	}
	if detail.Err != nil {
		return s, detail.Err
	}
	s.Exists = true
	first := true
	for _, p := range detail.Partitions {
		replicas, inSync := len(p.Replicas), len(p.ISR)
		if !first {
			replicas, inSync = min(s.Replicas, replicas), min(s.InSync, inSync)
		}
		s.Replicas, s.InSync, first = replicas, inSync, false
	}
	config, err := configs.On(name, nil)
	if err == nil {
		err = config.Err
	}
	if err != nil {
		return s, err
	}
	for _, c := range config.Configs {
		if c.Key == minInSyncReplicas {
			s.MinInSync, err = strconv.Atoi(c.MaybeValue())
		}
	}
	return s, err
}
