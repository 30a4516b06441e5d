package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Query chooses a page of a player's notifications.
type Query struct {
	// Unread chooses the unread ones if true, the read ones if false, all if nil.
	Unread *bool
	// Before is the Next of the page before; 0 for the first page.
	Before int64
	// Limit is the greatest length of the page, at least 1.
	Limit int
}

// Page is one page of a player's notifications.
type Page struct {
	// Notifications are the page, newest first.
	Notifications []Notification
	// Next leads to the next page; 0 if there is none.
	Next int64
	// Unread counts all that the player has not read, whatever the query chooses.
	Unread int
	// Total counts what the query chooses, on all pages.
	Total int
}

// List returns a page of a player's notifications, newest first. What arrives meanwhile moves nothing from one page to
// another.
func (s *Service) List(ctx context.Context, player uuid.UUID, q Query) (Page, error) {
	list, err := s.store.List(ctx, player, not(q.Unread), q.Before, q.Limit+1)
	if err != nil {
		return Page{}, err
	}
	counts, err := s.store.Counts(ctx, player)
	if err != nil {
		return Page{}, err
	}
	page := Page{Notifications: list, Unread: counts.Unread, Total: counts.of(q.Unread)}
	if len(list) > q.Limit {
		page.Notifications = list[:q.Limit]
		page.Next = list[q.Limit-1].Seq
	}
	return page, nil
}

// of returns how many notifications the filter chooses.
func (c Counts) of(unread *bool) int {
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
