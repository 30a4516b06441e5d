package promotions

import (
	"context"

	"github.com/google/uuid"
)

// MarkAnomalySeen marks an anomaly as seen by an employee and returns it. It does not change an anomaly that is already
// marked as seen. The error is NOT_FOUND if no anomaly has the id.
func (m *Monitor) MarkAnomalySeen(ctx context.Context, id, employee uuid.UUID) (Anomaly, error) {
	return m.store.MarkAnomalySeen(ctx, id, employee, m.now())
}
