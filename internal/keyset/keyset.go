// Package keyset says what a page of a list is. Lists run from the newest to the oldest and are paged by keyset: a page
// begins after the key of the last item of the page before it, so that what is added in between moves nothing.
package keyset

// Page is the part of a list that is asked for.
type Page[Key any] struct {
	// Size is the greatest number of items, at least 1.
	Size int
	// Before is the key of the item after which the page begins; zero for the first page.
	Before Key
}

// Listed is one page of a list.
type Listed[T any] struct {
	Items []T
	// Total counts the items of all pages.
	Total int
	// More says that older items follow.
	More bool
}

// Cut makes a page of at most size items of what was read with one item more than that.
func Cut[T any](items []T, size, total int) Listed[T] {
	more := len(items) > size
	if more {
		items = items[:size]
	}
	return Listed[T]{Items: items, Total: total, More: more}
}
