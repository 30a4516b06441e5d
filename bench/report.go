package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is the result of a run.
type Report struct {
	Machine Machine   `json:"machine"`
	Started time.Time `json:"started"`
	// Seconds is the duration of each measurement.
	Seconds int `json:"seconds"`
	// LoadAfter is the one-minute load average at the end of the run. It includes the load of this program.
	LoadAfter string   `json:"loadAfter,omitempty"`
	Rows      []Result `json:"rows"`
}

// Result holds a row and its measured rounds.
type Result struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Limit  string  `json:"limit"`
	Goal   float64 `json:"goal"`
	AtMost bool    `json:"atMost,omitempty"`
	Rounds []Round `json:"rounds"`
}

// Round is one measurement of the platform and one of the limit.
type Round struct {
	Ours  float64 `json:"ours"`
	Limit float64 `json:"limit"`
}

// Ratio returns the value of the platform divided by the limit.
func (r Round) Ratio() float64 { return r.Ours / r.Limit }

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

func (r Report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\nload average before %s, after %s; %d s per measurement; median (minimum to maximum)\n\n",
		r.Machine, r.Machine.LoadBefore, r.LoadAfter, r.Seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tunit\tours\tlimit\tratio\tgoal\t\tlimit is")
	for _, row := range r.Rows {
		ours := row.stat(func(r Round) float64 { return r.Ours })
		limit := row.stat(func(r Round) float64 { return r.Limit })
		ratio := row.stat(Round.Ratio)
		verdict := "met"
		if met := ratio.Median >= row.Goal; met == row.AtMost {
			verdict = "missed"
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f (%.0f to %.0f)\t%.0f (%.0f to %.0f)\t%.2f (%.2f to %.2f)\t%.2f\t%s\t%s\n",
			row.Name, row.Unit, ours.Median, ours.Min, ours.Max, limit.Median, limit.Min, limit.Max,
			ratio.Median, ratio.Min, ratio.Max, row.Goal, verdict, row.Limit)
	}
	_ = w.Flush() // out is the terminal
}

// save writes the report as JSON. If path is empty, it writes to bench/results and names the file after the start of the
// run.
func (r Report) save(path string, progress func(string, ...any)) error {
	if path == "" {
		path = filepath.Join("bench", "results", r.Started.Format("20060102T150405Z")+".json")
	}
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
