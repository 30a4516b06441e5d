package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Get returns a promotion. It fails with NOT_FOUND if no promotion has the id.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Promotion, error) {
	p, err := s.store.Promotion(ctx, id)
	if err != nil {
		return Promotion{}, err
	}
	p.State = p.StateAt(s.now())
	return p, nil
}
