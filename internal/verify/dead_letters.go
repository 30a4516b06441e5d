package verify

import (
	"context"
	"maps"
	"slices"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// deadLetters reports a violation for each topic with dead letters, if there are more than limit of them in total.
func deadLetters(ctx context.Context, s Sources, r *report, limit int64) (string, error) {
	depths, err := s.DeadLetters(ctx)
	if err != nil {
		return "", err
	}
	var sum int64
	for _, n := range depths {
		sum += n
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
