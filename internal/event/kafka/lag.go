package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Lag returns the number of records of the topic that the group has not committed. A commit follows the end of a record's
// handling within a second.
func (b *Bus) Lag(ctx context.Context, group, topic string) (int64, error) {
	id := groupID(event.Subscription{Group: group, Topic: topic})
	ranges, err := b.offsetRanges(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("kafka: list offsets of %s: %w", topic, err)
	}
	committed, err := b.admin.FetchOffsets(ctx, id)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // a new group has committed nothing
		return 0, fmt.Errorf("kafka: read the offsets of %s: %w", id, b.explain(err))
	}
	var lag int64
	for partition, r := range ranges {
		next := r.start
		if c, ok := committed.Lookup(topic, partition); ok {
			if c.Err != nil {
				return 0, fmt.Errorf("kafka: read the offsets of %s: %w", id, b.explain(c.Err))
			}
			next = max(next, c.At) // -1 if nothing is committed
		}
		lag += max(0, r.end-next)
	}
	return lag, nil
}
