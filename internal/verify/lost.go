package verify

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// Lost are the rows whose events have had no effect in the database of the consumer.
type Lost struct {
	// Registrations are the players whose registration promotions has not handled.
	Registrations []uuid.UUID
	// Statuses are the players whose last activation, deactivation or restriction promotions has not handled. A player can
	// occur twice.
	Statuses []uuid.UUID
	// Transactions are credits for claims whose assignment is not marked as claimed.
	Transactions []uuid.UUID
	// Assignments are the assignments without a notification.
	Assignments []uuid.UUID
}

// FindLost returns the rows whose events have had no effect. It skips rows whose events are younger than the repair delay,
// except activations and deactivations: no database stores the time of these events. It writes nothing.
func FindLost(ctx context.Context, s Sources, o Options) (Lost, error) {
	r := &report{out: io.Discard, now: o.Now, cutoff: o.Now.Add(-o.Delay)}
	for _, c := range []check{
		{"players", players}, {"restricted", restricted}, {"claims", claims}, {"notifications", notifications},
	} {
		if _, err := c.run(ctx, s, r); err != nil {
			return Lost{}, fmt.Errorf("check %s: %w", c.name, err)
		}
	}
	return r.lost, nil
}
