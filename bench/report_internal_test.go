package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for name, c := range map[string]struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		"median of 100":  {hundred, 0.5, 50},
		"p99 of 100":     {hundred, 0.99, 99},
		"maximum of 100": {hundred, 1, 100},
		"minimum of 100": {hundred, 0, 1},
		"median of one":  {[]time.Duration{7}, 0.5, 7},
		"p99 of three":   {[]time.Duration{1, 2, 3}, 0.99, 3},
		"median of four": {[]time.Duration{1, 2, 3, 4}, 0.5, 2},
	} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func rounds(limit float64, ours ...float64) []Round {
	list := make([]Round, len(ours))
	for i, v := range ours {
		list[i] = Round{Ours: v, Limit: limit}
	}
	return list
}

func TestStatOfRatios(t *testing.T) {
	t.Parallel()
	r := Result{Rounds: []Round{{Ours: 30, Limit: 10}, {Ours: 10, Limit: 10}, {Ours: 40, Limit: 20}, {Ours: 80, Limit: 10}}}
	if got, want := r.stat(Round.Value), (Stat{Median: 2.5, Min: 1, Max: 8}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	r.Rounds = r.Rounds[:3]
	if got, want := r.stat(Round.Value), (Stat{Median: 2, Min: 1, Max: 3}); got != want {
		t.Errorf("odd number of rounds: got %v, want %v", got, want)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metric Metric
		rounds []Round
		want   string
	}{
		"ratio above a minimum":            {Metric{Goal: 0.5}, rounds(10, 6, 6, 1), "met"},
		"ratio below a minimum":            {Metric{Goal: 0.5}, rounds(10, 4, 4, 9), "missed"},
		"ratio equal to a minimum":         {Metric{Goal: 0.5}, rounds(10, 5), "met"},
		"ratio below a maximum":            {Metric{Goal: 1, AtMost: true}, rounds(10, 9, 9, 20), "met"},
		"ratio above a maximum":            {Metric{Goal: 1, AtMost: true}, rounds(10, 11, 11, 1), "missed"},
		"ratio equal to a maximum":         {Metric{Goal: 1, AtMost: true}, rounds(10, 10), "met"},
		"value without limit":              {Metric{Goal: 50, AtMost: true}, rounds(0, 40, 45, 90), "met"},
		"value without limit, above":       {Metric{Goal: 50, AtMost: true}, rounds(0, 60, 55, 9), "missed"},
		"worst round above a maximum":      {Metric{Goal: 50, AtMost: true, Worst: true}, rounds(0, 40, 45, 90), "missed"},
		"worst round below a maximum":      {Metric{Goal: 50, AtMost: true, Worst: true}, rounds(0, 40, 45, 49), "met"},
		"worst round below a minimum":      {Metric{Goal: 50, Worst: true}, rounds(0, 60, 40, 70), "missed"},
		"no goal":                          {Metric{AtMost: true}, rounds(0, 60), ""},
		"median of two rounds, one missed": {Metric{Goal: 50, AtMost: true}, rounds(0, 40, 70), "missed"},
	} {
		if got := (Result{Metric: c.metric, Rounds: c.rounds}).verdict(); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0.00", 0.304: "0.30", 9.996: "10.00", 12.34: "12.3", 123.4: "123", 45678: "45678"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestReportOfARowWithAndWithoutLimit(t *testing.T) {
	t.Parallel()
	r := Report{Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Rows: []Result{
		{Metric: Metric{Name: "outbox", Unit: "events/s", Goal: 0.5}, Limit: "bare producer", Rounds: rounds(1000, 600, 400, 700)},
		{Metric: Metric{Name: "frames: p99", Unit: "ms", Goal: 50, AtMost: true}, Rounds: rounds(0, 61, 40, 12)},
	}}
	var out bytes.Buffer
	r.print(&out)
	var table []string
	for line := range strings.Lines(out.String()) {
		table = append(table, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"outbox events/s 600 (400 to 700) 1000 (1000 to 1000) 0.60 (0.40 to 0.70) ≥ 0.50 met bare producer",
		"frames: p99 ms 40.0 (12.0 to 61.0) ≤ 50.0 met",
	} {
		if !strings.Contains(strings.Join(table, "\n"), want) {
			t.Errorf("the table has no line %q:\n%s", want, out.String())
		}
	}
	path := filepath.Join(t.TempDir(), "results", "run.json")
	if err := r.save(path, t.Logf); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var saved Report
	if err := json.Unmarshal(text, &saved); err != nil || len(saved.Rows) != 2 || saved.Rows[0].Rounds[1] != (Round{400, 1000}) {
		t.Errorf("the JSON file has lost rounds: %v\n%s", err, text)
	}
}

func TestRowNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range allRows() {
		if len(row.Metrics) == 0 {
			t.Errorf("%s has no metrics", row.Name)
		}
		for _, r := range newResults(row) {
			if seen[r.Name] {
				t.Errorf("two rows are named %q", r.Name)
			}
			seen[r.Name] = true
		}
	}
}

func TestOnlySelectsRows(t *testing.T) {
	t.Parallel()
	for only, want := range map[string]int{"": len(allRows()), "hot account, gRPC": 1, "outbox|memory": 2} {
		if rows, err := selected(only); err != nil || len(rows) != want {
			t.Errorf("%q selects %d rows, %v, want %d", only, len(rows), err, want)
		}
	}
	for _, only := range []string{"no such row", "("} {
		if rows, err := selected(only); err == nil || !strings.Contains(err.Error(), "--only") {
			t.Errorf("%q selects %d rows, %v, want an error about --only", only, len(rows), err)
		}
	}
}
