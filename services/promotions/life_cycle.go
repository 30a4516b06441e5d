package promotions

import (
	"slices"
	"time"

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

// action changes the status of a promotion. Its value is the past participle for error messages.
type action string

const (
	publish action = "published"
	pause   action = "paused"
	resume  action = "resumed"
	archive action = "archived"
)

// transition returns the statuses in which the action is allowed, and the status after it.
func (a action) transition() (from []Status, to Status) {
	switch a {
	case publish:
		return []Status{StatusDraft}, StatusPublished
	case pause:
		return []Status{StatusPublished}, StatusPaused
	case resume:
		return []Status{StatusPaused}, StatusPublished
	default: // archive
		return []Status{StatusDraft, StatusPublished, StatusPaused}, StatusArchived
	}
}

// apply changes the status of p. It changes nothing if p already has the new status. It returns PROMOTION_STATE_CONFLICT if
// the action is not allowed in the status of p.
func (a action) apply(p *Promotion, _ ClaimTotals) error {
	from, to := a.transition()
	if p.Status() == to {
		return nil
	}
	if !slices.Contains(from, p.Status()) {
		return p.stateConflict(string(a))
	}
	p.setStatus(to)
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
	case p.exhausted():
		return PromotionStateExhausted
	default:
		return PromotionStateActive
	}
}

// stateConflict returns PROMOTION_STATE_CONFLICT. The participle names the action, such as "paused".
func (p Promotion) stateConflict(participle string) error {
	return apperr.New(apperr.PromotionStateConflict, "promotion %s is %s and cannot be %s", p.ID, p.State, participle).
		With("state", string(p.State))
}
