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
// unread notifications of the player, which does not depend on the filter.
func (s *Service) List(ctx context.Context, player uuid.UUID, f NotificationFilter, p keyset.PageRequest[int64]) (page keyset.Page[Notification], unread int, err error) {
	list, err := s.store.List(ctx, player, not(f.Unread), p.Before, p.Size+1)
	if err != nil {
		return page, 0, err
	}
	counts, err := s.store.Counts(ctx, player)
	if err != nil {
		return page, 0, err
	}
	return keyset.NewPage(list, p.Size, counts.matching(f.Unread)), counts.Unread, nil
}

// matching returns the number of notifications that the filter selects.
func (c Counts) matching(unread *bool) int {
	switch {
	case unread == nil:
		return c.Total
	case *unread:
		return c.Unread
	}
	return max(0, c.Total-c.Unread)
}

func not(b *bool) *bool {
	if b == nil {
		return nil
	}
	n := !*b
	return &n
}
