package postgres_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestMarkingAsSeenKeepsTheFirstEmployee(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, CreditWithoutClaim: true})
	w.add(w.credit(uuid.New(), uuid.New(), 1))
	id := w.alerts[0].ID
	employees := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	marked := make([]promotions.Anomaly, len(employees))
	var wg sync.WaitGroup
	for i, employee := range employees {
		wg.Go(func() {
			var err error
			if marked[i], err = w.monitor.MarkAnomalySeen(t.Context(), id, employee); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range marked {
		if a != marked[0] || !a.Seen || !slices.Contains(employees, a.SeenBy) || a.ID != id {
			t.Errorf("got %+v and %+v, want the same employee", a, marked[0])
		}
	}
	_, err := w.monitor.MarkAnomalySeen(t.Context(), uuid.New(), employees[0])
	w.wantCode(err, apperr.NotFound)
	if err == nil || !strings.Contains(err.Error(), "anomaly not found") {
		t.Errorf("the error is %v", err)
	}
}
