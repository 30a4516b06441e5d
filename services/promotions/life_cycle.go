package promotions

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
)

// Status is the part of a promotion's state that employees determine. The rest of the state follows from the period; see
// [Promotion.StateAt].
type Status string

// The values of Status. All but StatusPublished are values of Promotion.InactiveAs.
const (
	StatusDraft     Status = "DRAFT"
	StatusPublished Status = "PUBLISHED"
	StatusPaused    Status = "PAUSED"
	StatusArchived  Status = "ARCHIVED"
)

// transition is a change of a promotion's status.
type transition struct {
	// name is the past participle for error messages.
	name string
	from []Status
	to   Status
}

// The transitions of promotions. There are no others.
var (
	published = transition{"published", []Status{StatusDraft}, StatusPublished}
	paused    = transition{"paused", []Status{StatusPublished}, StatusPaused}
	resumed   = transition{"resumed", []Status{StatusPaused}, StatusPublished}
	archived  = transition{"archived", []Status{StatusDraft, StatusPublished, StatusPaused}, StatusArchived}
)

// apply changes the status of p. It changes nothing if p already has the new status. It returns PROMOTION_STATE_CONFLICT if
// the transition does not start at the status of p.
func (t transition) apply(p *Promotion) error {
	if p.Status() == t.to {
		return nil
	}
	if !slices.Contains(t.from, p.Status()) {
		return p.stateConflict(t.name)
	}
	p.setStatus(t.to)
	return nil
}

// Status returns the status of the promotion.
func (p Promotion) Status() Status {
	if p.IsActive {
		return StatusPublished
	}
	return Status(p.InactiveAs)
}

func (p *Promotion) setStatus(s Status) {
	p.IsActive, p.InactiveAs = s == StatusPublished, string(s)
	if p.IsActive {
		p.InactiveAs = string(StatusPaused)
	}
}

// StateAt returns the state of the promotion at now. The store selects promotions by the same rules.
func (p Promotion) StateAt(now time.Time) PromotionState {
	today := date.Of(now)
	switch status := p.Status(); {
	case status == StatusArchived:
		return PromotionStateArchived
	case status == StatusDraft:
		return PromotionStateDraft
	case today.After(p.EndDate):
		return PromotionStateExpired
	case status == StatusPaused:
		return PromotionStatePaused
	case today.Before(p.StartDate):
		return PromotionStateScheduled
	default:
		return PromotionStateActive
	}
}

// stateConflict returns PROMOTION_STATE_CONFLICT. The participle names the action, such as "paused".
func (p Promotion) stateConflict(participle string) error {
	return apperr.New(apperr.PromotionStateConflict, "promotion %s is %s and cannot be %s", p.ID, p.State, participle).
		With("state", string(p.State))
}

// move applies a transition to a stored promotion and returns the promotion.
func (s *Service) move(ctx context.Context, id uuid.UUID, t transition) (Promotion, error) {
	return s.change(ctx, id, t.apply)
}
