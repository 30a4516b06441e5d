package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// deadLetters checks that there are at most allowed dead letters.
func deadLetters(ctx context.Context, s Sources, r *report, allowed int64) (string, error) {
	depths, err := s.DeadLetters(ctx)
	if err != nil {
		return "", err
	}
	var sum int64
	for _, n := range depths {
		sum += n
	}
	if sum > allowed {
		for _, topic := range slices.Sorted(maps.Keys(depths)) {
			if n := depths[topic]; n > 0 {
				r.violationf("topic %s has %d dead letter(s)", topic, n)
			}
		}
	}
	return fmt.Sprintf("%d topics, %d dead letters", len(depths), sum), nil
}
