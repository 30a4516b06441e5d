package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// Report is the result of a run.
type Report struct {
	Machine Machine   `json:"machine"`
	Started time.Time `json:"started"`
	// Seconds is the duration of each measurement.
	Seconds int `json:"seconds"`
	// GrowthRows is the number of rows of the large tables of the rows about growth.
	GrowthRows int `json:"growthRows"`
	// LoadAfter is the one-minute load average at the end of the run. It includes the load of this program.
	LoadAfter string   `json:"loadAfter,omitempty"`
	Rows      []Result `json:"rows"`
}

// Result holds a metric and its measured rounds.
type Result struct {
	Metric

	Limit  string  `json:"limit,omitempty"`
	Rounds []Round `json:"rounds"`
}

// Round is one measurement of the platform and one of the limit. Limit is zero if the goal is an absolute value.
type Round struct {
	Ours  float64 `json:"ours"`
	Limit float64 `json:"limit,omitempty"`
}

// Value returns the number that is compared with the goal: the ratio to the limit, or the measured value without a limit.
func (r Round) Value() float64 {
	if r.Limit == 0 {
		return r.Ours
	}
	return r.Ours / r.Limit
}

// Stat summarises a list of values.
type Stat struct{ Median, Min, Max float64 }

func (r Result) stat(value func(Round) float64) Stat {
	values := make([]float64, len(r.Rounds))
	for i, round := range r.Rounds {
		values[i] = value(round)
	}
	slices.Sort(values)
	n := len(values)
	return Stat{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}

func (s Stat) String() string {
	return fmt.Sprintf("%s (%s to %s)", number(s.Median), number(s.Min), number(s.Max))
}

// number formats a value with about three significant digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// verdict says whether the goal is met. It is empty if there is no goal.
func (r Result) verdict() string {
	s := r.stat(Round.Value)
	value := s.Median
	if r.Worst {
		value = s.Min
		if r.AtMost {
			value = s.Max
		}
	}
	switch {
	case r.Goal == 0:
		return ""
	case value == r.Goal, value < r.Goal == r.AtMost:
		return "met"
	default:
		return "missed"
	}
}

// goal returns the goal with its direction, such as "≤ 50".
func (r Result) goal() string {
	switch {
	case r.Goal == 0:
		return ""
	case r.AtMost:
		return "≤ " + number(r.Goal)
	default:
		return "≥ " + number(r.Goal)
	}
}

// describe returns a round in words.
func (r Result) describe(round Round) string {
	if round.Limit == 0 {
		return fmt.Sprintf("%s %s %s", r.Name, number(round.Ours), r.Unit)
	}
	return fmt.Sprintf("ours %s, limit %s %s, ratio %s", number(round.Ours), number(round.Limit), r.Unit, number(round.Value()))
}

func (r Report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\nload average before %s, after %s; %d s per measurement; median (minimum to maximum)\n\n",
		r.Machine, r.Machine.LoadBefore, r.LoadAfter, r.Seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tunit\tours\tlimit\tratio\tgoal\t\tlimit is")
	for _, row := range r.Rows {
		limit, ratio := "", ""
		if row.Limit != "" {
			limit = row.stat(func(r Round) float64 { return r.Limit }).String()
			ratio = row.stat(Round.Value).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Name, row.Unit,
			row.stat(func(r Round) float64 { return r.Ours }), limit, ratio, row.goal(), row.verdict(), row.Limit)
	}
	_ = w.Flush() // out is the terminal
}

// save writes the report as JSON. If path is empty, it writes to bench/results and names the file after the start of the
// run.
func (r Report) save(path string, progress func(string, ...any)) error {
	path = cmp.Or(path, filepath.Join("bench", "results", r.Started.Format("20060102T150405Z")+".json"))
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return err
	}
	progress("\nreport: %s", path)
	return nil
}
