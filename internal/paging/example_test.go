package paging_test

import (
	"fmt"
	"strconv"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/paging"
)

// A handler parses the request, reads one item more than the page has from its store, and returns the token of the next
// page.
func Example() {
	stored := []int64{5, 4, 3, 2, 1} // newest first
	list := func(r *promotionsv1.ListPromotionsRequest) (items []int64, nextToken string, err error) {
		request, err := paging.Parse(r, paging.Number)
		if err != nil {
			return nil, "", err
		}
		var found []int64
		for _, n := range stored {
			if len(found) <= request.Size && (request.Before == 0 || n < request.Before) {
				found = append(found, n)
			}
		}
		page := keyset.NewPage(found, request.Size, len(stored))
		nextToken, err = paging.NextToken(r, page, func(n int64) string { return strconv.FormatInt(n, 10) })
		return page.Items, nextToken, err
	}

	request := &promotionsv1.ListPromotionsRequest{Title: "spin", PageSize: 2}
	for {
		items, token, err := list(request)
		fmt.Println(items, err)
		if token == "" {
			break
		}
		request.PageToken = token
	}

	first := &promotionsv1.ListPromotionsRequest{Title: "spin", PageSize: 2}
	_, token, _ := list(first)
	_, _, err := list(&promotionsv1.ListPromotionsRequest{Title: "win", PageToken: token})
	fmt.Println(err)
	// Output:
	// [5 4] <nil>
	// [3 2] <nil>
	// [1] <nil>
	// VALIDATION_FAILED: page_token: the page token belongs to a list with other filters
}
