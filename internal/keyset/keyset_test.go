package keyset_test

import (
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

func TestNewPage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows, want []string
		more       bool
	}{
		"no items":         {nil, nil, false},
		"less than a page": {[]string{"c"}, []string{"c"}, false},
		"exactly a page":   {[]string{"c", "b"}, []string{"c", "b"}, false},
		"more than a page": {[]string{"c", "b", "a"}, []string{"c", "b"}, true},
	} {
		got := keyset.NewPage(tt.rows, 2, 7)
		if !slices.Equal(got.Items, tt.want) || got.More != tt.more || got.Total != 7 {
			t.Errorf("%s: got %+v, want items %v, more %t, total 7", name, got, tt.want, tt.more)
		}
	}
}
