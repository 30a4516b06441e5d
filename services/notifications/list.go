package notifications

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// NotificationFilter selects notifications; the zero value selects all.
type NotificationFilter struct {
	// Unread selects unread notifications if true, read ones if false.
	Unread *bool
}

// List returns a page of a player's notifications that match the filter, newest first. It also returns the number of all
// unread notifications of the player, which does not depend on the filter. Above keyset.MaxExactTotal, this number is
// an estimate, and so is the total with a filter.
func (s *Service) List(ctx context.Context, player uuid.UUID, f NotificationFilter, p keyset.PageRequest[int64]) (page keyset.Page[Notification], unread int, err error) {
	list, err := s.store.List(ctx, player, not(f.Unread), p.Before, p.Size+1)
	if err != nil {
		return page, 0, err
	}
	counts, err := s.store.Counts(ctx, player)
	if err != nil {
		return page, 0, err
	}
	total, estimate, err := s.total(ctx, player, f, counts)
	if err != nil {
		return page, 0, err
	}
	page = keyset.NewPage(list, p.Size, total)
	page.TotalIsEstimate = estimate
	return page, counts.Unread, nil
}

// total returns the number of notifications that the filter selects.
func (s *Service) total(ctx context.Context, player uuid.UUID, f NotificationFilter, c Counts) (n int, estimate bool, err error) {
	manyUnread := c.Unread > keyset.MaxExactTotal
	switch {
	case f.Unread == nil:
		return c.Total, false, nil
	case *f.Unread:
		return c.Unread, manyUnread, nil
	case manyUnread:
		n, err = s.store.CountRead(ctx, player)
		return n, n > keyset.MaxExactTotal, err
	}
	return max(0, c.Total-c.Unread), false, nil
}

func not(b *bool) *bool {
	if b == nil {
		return nil
	}
	n := !*b
	return &n
}
