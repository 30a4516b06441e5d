package outbox

import (
	"testing"
	"time"
)

func TestWindowFloorRises(t *testing.T) {
	var w window
	now := time.Unix(1_000_000_000, 0)
	for _, step := range []struct {
		name     string
		snapshot snapshot
		ids      []int64
		complete bool
		floor    int64
	}{
		{"first read returns two events", snapshot{100, 105}, []int64{7, 9}, true, 0},
		{"transaction 104 of the first read still runs", snapshot{104, 110}, []int64{12}, true, 0},
		{"transactions of the first read have ended, and this read records 12", snapshot{110, 111}, nil, true, 0},
		{"transactions that ran when 12 was recorded have ended", snapshot{111, 111}, nil, true, 12},
		{"incomplete read", snapshot{120, 121}, []int64{13, 14}, false, 12},
		{"second incomplete read", snapshot{121, 121}, []int64{15, 16}, false, 12},
		{"complete read records 16", snapshot{122, 130}, []int64{17}, true, 12},
		{"transaction 129 still runs", snapshot{129, 131}, nil, true, 12},
		{"transaction 129 has ended", snapshot{131, 131}, nil, true, 16},
	} {
		w.after(now)
		w.record(step.snapshot, step.ids, step.complete)
		if got := w.after(now); got != step.floor {
			t.Errorf("%s: reads after %d, want %d", step.name, got, step.floor)
		}
	}
	if got := w.after(now.Add(windowResetInterval)); got != 0 {
		t.Errorf("reads after %d when %v have passed, want 0", got, windowResetInterval)
	}
}
