package event_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

func TestSkips(t *testing.T) {
	var s event.Skips
	if err := s.Err(); err != nil {
		t.Errorf("no skips: %v, want nil", err)
	}
	for i := range 1000 {
		s.Add(fmt.Errorf("%w: letter <%d>", event.ErrInvalid, i))
	}
	err := s.Err()
	if !errors.Is(err, event.ErrInvalid) || !strings.Contains(err.Error(), "letter <19>") ||
		strings.Contains(err.Error(), "letter <20>") || !strings.Contains(err.Error(), "980 more dead letters") {
		t.Errorf("error of 1,000 skips is %v, want the first 20 and the number of the others", err)
	}
}
