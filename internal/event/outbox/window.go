package outbox

import "time"

// forgetEvery is how often the window is opened wholly. That finds the events of a transaction that had drawn their
// numbers but not yet its own when the window passed them, which [Append] rules out and foreign SQL may not.
const forgetEvery = 30 * time.Second

// window says after which id the outbox is read. Deleted rows stay in the index until nobody can see them any more,
// which one long query anywhere in the database can put off for hours, and a reading from the beginning walks over all
// of them.
//
// The floor rises to an id only when no event can appear below it: every transaction that ran when the id had been seen
// has ended, and a reading since then found all that they left. A transaction that is still to commit thus always
// commits above the floor, and its events come before later ones of the same key.
type window struct {
	floor   int64  // nothing is to be expected at or below it
	mark    int64  // the next floor, once the transactions before horizon have ended
	horizon uint64 // the first transaction id not given out when mark had been seen
	highest int64  // id read so far
	opened  time.Time
}

// moment is what a snapshot says of the running transactions: all ids below oldest have ended, none from next on has
// been given out.
type moment struct{ oldest, next uint64 }

// after returns the id after which to read.
func (w *window) after(now time.Time) int64 {
	if now.Sub(w.opened) >= forgetEvery {
		*w = window{opened: now}
	}
	return w.floor
}

// read takes the ids found by a reading that began after m. It is complete if it found all there was.
func (w *window) read(m moment, ids []int64, complete bool) {
	if complete && m.oldest >= w.horizon {
		w.floor, w.mark, w.horizon = w.mark, w.highest, m.next
	}
	if len(ids) > 0 {
		w.highest = max(w.highest, ids[len(ids)-1])
	}
}

// reset opens the window wholly: there may be old events again.
func (w *window) reset() { *w = window{} }
