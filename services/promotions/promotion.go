package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/date"
)

// Create stores a new promotion. It may lie in the past. PROMOTION_EXISTS where its type allows only one active promotion
// at a time and there is one in the period.
func (s *Service) Create(ctx context.Context, p Promotion) (Promotion, error) {
	if err := p.Validate(); err != nil {
		return Promotion{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Promotion{}, err
	}
	p.ID, p.CreatedAt = id, s.timestamp()
	p.UpdatedAt = p.CreatedAt
	if err := s.store.CreatePromotion(ctx, p); err != nil {
		return Promotion{}, err
	}
	return p, nil
}

// Update changes a promotion. What was assigned before keeps its amount and title.
func (s *Service) Update(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error) {
	return s.store.UpdatePromotion(ctx, id, func(p *Promotion) error {
		if err := change(p); err != nil {
			return err
		}
		p.UpdatedAt = s.timestamp()
		return p.Validate()
	})
}

// Get reads one promotion.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.store.Promotion(ctx, id)
}

// PromotionFilter narrows a list of promotions; a zero member does not.
type PromotionFilter struct {
	Type     PromotionType
	IsActive *bool
	// Available asks whether the promotion is active and in its period on Today.
	Available *bool
	Today     date.Date
	// Title is a part of the title, without case.
	Title string
	// From and To are the ends of a period that the promotion's overlaps, both inclusive.
	From, To date.Date
}

// List lists promotions, newest first.
func (s *Service) List(ctx context.Context, f PromotionFilter, p Page) (Listed[Promotion], error) {
	f.Today = date.Of(s.now())
	return s.store.Promotions(ctx, f, p)
}
