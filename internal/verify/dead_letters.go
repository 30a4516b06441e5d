package verify

import (
	"context"
	"maps"
	"slices"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// deadLetters reports a violation for each topic with dead letters, if there are more than limit of them in total, and for
// each topic of dead letters that does not exist.
func deadLetters(ctx context.Context, s Sources, r *report, limit int64) (string, error) {
	depths, err := s.DeadLetters(ctx)
	if err != nil {
		return "", err
	}
	var sum int64
	for _, topic := range slices.Sorted(maps.Keys(depths)) {
		if depths[topic] == NoTopic {
			r.violationf("topic %s does not exist: run loyalty events topics", event.DeadLetterTopic(topic))
			continue
		}
		sum += depths[topic]
	}
	if sum > limit {
		for _, topic := range slices.Sorted(maps.Keys(depths)) {
			if n := depths[topic]; n > 0 {
				r.violationf("topic %s has %s", topic, cli.Count(n, "dead letter", "dead letters"))
			}
		}
	}
	return cli.Count(len(depths), "topic", "topics") + ", " + cli.Count(sum, "dead letter", "dead letters"), nil
}
