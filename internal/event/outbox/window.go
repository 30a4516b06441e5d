package outbox

import "time"

// window determines the id after which the relay reads the outbox. Without it, every read would scan the index entries of
// deleted rows. PostgreSQL keeps these entries while any transaction could still see the rows. One long query anywhere in
// the database can keep them for hours.
//
// The floor rises to an id only when no event can appear at or below that id. Two conditions ensure this: every transaction
// that was running when the relay saw the id has ended, and a complete read since then returned all events that these
// transactions committed. A running transaction therefore always commits its events above the floor. The relay reads them
// before later events of the same key.
type window struct {
	floor     int64     // no event will appear at or below this id
	next      int64     // becomes the floor once all transactions below horizon have ended
	horizon   uint64    // the first unallocated xid when next was recorded
	highestID int64     // the highest id read so far
	opened    time.Time // when the relay last started to read from the beginning of the outbox
}

// windowResetInterval is the interval at which the relay reads the outbox from its beginning again. Such a read finds events
// with ids at or below the floor. They appear if a transaction allocates the ids before it has an xid. [Append] prevents
// that order, but the SQL of other programs may have it.
const windowResetInterval = 30 * time.Second

// snapshot describes the running transactions of a PostgreSQL snapshot: all xids below xmin have ended, and no xid from
// xmax on has been allocated.
type snapshot struct{ xmin, xmax uint64 }

// after returns the id after which to read.
func (w *window) after(now time.Time) int64 {
	if now.Sub(w.opened) >= windowResetInterval {
		*w = window{opened: now}
	}
	return w.floor
}

// record updates the window with the ids that a read returned. The snapshot s was taken before the read. complete means
// that the read returned all events.
func (w *window) record(s snapshot, ids []int64, complete bool) {
	if complete && s.xmin >= w.horizon {
		w.floor, w.next, w.horizon = w.next, w.highestID, s.xmax
	}
	if len(ids) > 0 {
		w.highestID = max(w.highestID, ids[len(ids)-1])
	}
}

// reset makes the next read start at the beginning of the outbox.
func (w *window) reset() { *w = window{} }
