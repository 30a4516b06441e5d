package event

import (
	"errors"
	"fmt"
)

// maxSkips is the number of skipped dead letters that an error of Replay names.
const maxSkips = 20

// Skips collects the errors of the dead letters that a replay skips. It keeps the first twenty and counts the others,
// because whoever may write dead letters chooses their number. The zero value is empty.
type Skips struct {
	errs []error
	more int
}

// Add adds the error of a skipped dead letter.
func (s *Skips) Add(err error) {
	if len(s.errs) == maxSkips {
		s.more++
		return
	}
	s.errs = append(s.errs, err)
}

// Err returns the errors joined, or nil if there are none.
func (s *Skips) Err() error {
	if s.more == 0 {
		return errors.Join(s.errs...)
	}
	return errors.Join(errors.Join(s.errs...), fmt.Errorf("%d more dead letters were not replayed", s.more))
}
