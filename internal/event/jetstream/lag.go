package jetstream

import "context"

// Lag returns the number of messages of the topic that the group has not acknowledged. Before the group's first
// subscription, these are all messages of the topic.
func (b *Bus) Lag(ctx context.Context, group, topic string) (int64, error) {
	if err := b.connected(ctx); err != nil {
		return 0, err
	}
	stream, err := b.js.Stream(ctx, streamOf(topic))
	if err != nil {
		return 0, b.failure("find the stream of "+topic, err)
	}
	names := map[string]bool{}
	for p := unpartitioned; p < Partitions; p++ {
		names[durable(group, partitionSubject(topic, p))] = true
	}
	var lag int64
	subscribed := false
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		if names[info.Name] {
			lag += pending(info)
			subscribed = true
		}
	}
	if err := consumers.Err(); err != nil {
		return 0, b.failure("list the consumers of "+topic, err)
	}
	if !subscribed {
		return int64(stream.CachedInfo().State.Msgs), nil
	}
	return lag, nil
}
