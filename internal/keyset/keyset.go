// Package keyset defines pages of lists. A list runs from the newest item to the oldest. A page begins after the key of the
// last item of the previous page. Items that are added between two requests therefore do not shift the next page.
package keyset

// MaxExactTotal is the greatest total that is counted exactly. Above it Total may be an estimate.
const MaxExactTotal = 10_000

// PageRequest selects a page of a list.
type PageRequest[Key any] struct {
	// Size is the maximum number of items, at least 1.
	Size int
	// Before is the key of the last item of the previous page; zero for the first page.
	Before Key
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	// Total is the number of items on all pages.
	Total int
	// TotalIsEstimate is true if Total is an estimate. A total up to MaxExactTotal is always exact.
	TotalIsEstimate bool
	// More is true if older items follow.
	More bool
}

// NewPage returns a page with the first size items. The caller must read the items with a limit of size+1: an additional
// item means that more items follow.
func NewPage[T any](items []T, size, total int) Page[T] {
	more := len(items) > size
	if more {
		items = items[:size]
	}
	return Page[T]{Items: items, Total: total, More: more}
}
