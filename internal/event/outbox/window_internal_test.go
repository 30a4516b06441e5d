package outbox

import (
	"testing"
	"time"
)

func TestWindowRisesOnlyOverWhatIsDecided(t *testing.T) {
	var w window
	now := time.Unix(1_000_000_000, 0)
	for _, step := range []struct {
		story    string
		m        moment
		ids      []int64
		complete bool
		floor    int64
	}{
		{"the first reading finds two events", moment{100, 105}, []int64{7, 9}, true, 0},
		{"transaction 104 of back then still runs", moment{104, 110}, []int64{12}, true, 0},
		{"all of back then have ended, nothing had been seen by then", moment{110, 111}, nil, true, 0},
		{"those that ran when 12 had been seen have ended", moment{111, 111}, nil, true, 12},
		{"a reading that leaves something over proves nothing", moment{120, 121}, []int64{13, 14}, false, 12},
		{"nor does the next", moment{121, 121}, []int64{15, 16}, false, 12},
		{"the last one does, for what had been seen at the time", moment{122, 130}, []int64{17}, true, 12},
		{"transaction 129 runs", moment{129, 131}, nil, true, 12},
		{"it has ended", moment{131, 131}, nil, true, 16},
	} {
		w.after(now)
		w.read(step.m, step.ids, step.complete)
		if got := w.after(now); got != step.floor {
			t.Errorf("%s: reads after %d, want %d", step.story, got, step.floor)
		}
	}
	if got := w.after(now.Add(forgetEvery)); got != 0 {
		t.Errorf("after %v it reads after %d", forgetEvery, got)
	}
}
