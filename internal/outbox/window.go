package outbox

import "time"

const (
	// rescanEvery is the least time between two readings from the table's beginning.
	rescanEvery = 50 * time.Millisecond
	// rescanShare bounds the part of the time that they take: one in so many.
	rescanShare = 10
)

// window says from which id on the outbox is read. Deleted rows stay in the index until nobody can see them any more,
// which one long transaction anywhere in the database can put off for hours, and a reading from the beginning walks over
// all of them. So most readings begin where the events were a while ago. A transaction that took longer than that
// commits events below: these are found by the next reading from the beginning.
type window struct {
	floor   int64 // the highest id as of the reading from the beginning before the last one
	mark    int64 // the same as of the last one
	highest int64 // read so far
	due     time.Time
	settled bool // the last reading was from the beginning and found all
}

// begin returns the id after which to read.
func (w *window) begin(now time.Time) (after int64) {
	if !now.Before(w.due) {
		return 0
	}
	return w.floor
}

// end takes what the reading that began after this id at this time found.
func (w *window) end(after int64, began, now time.Time, ids []int64, limit int) {
	if len(ids) > 0 {
		w.highest = max(w.highest, ids[len(ids)-1])
	}
	w.settled = after == 0 && len(ids) < limit
	if !w.settled { // there may be more before the floor
		return
	}
	w.floor, w.mark = w.mark, w.highest
	w.due = now.Add(max(rescanEvery, rescanShare*now.Sub(began)))
}

// idle is how long to wait after an empty reading, at most poll: until the next one from the beginning, if that one was not.
func (w *window) idle(now time.Time, poll time.Duration) time.Duration {
	if w.settled {
		return poll
	}
	return min(max(w.due.Sub(now), time.Millisecond), poll)
}

// reset makes the next readings begin at the beginning: there may be old events again.
func (w *window) reset() { *w = window{} }
