// Package golden compares the output of a test with a committed file, the golden file. `make golden` updates all golden
// files. It runs the tests of all packages that import golden with the flag -update.
package golden

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// Updating reports whether the test run writes golden files.
func Updating() bool { return *update }

// Compare compares got with the file at path and fails t with the lines that differ. With the flag -update it writes the
// file instead.
func Compare(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s does not exist; run make golden and review it", path)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (- golden file, + now). If the change is intended, run make golden and review git diff:\n%s",
			path, Diff(string(want), got))
	}
}

// Diff returns the lines that differ between two texts, with their line numbers. Lines that exist only in want have the
// prefix "-". Lines that exist only in got have the prefix "+". Diff returns at most 60 lines, followed by "…".
func Diff(want, got string) string {
	const most = 60
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	common := commonLengths(a, b)
	var out []string
	for i, j := 0, 0; len(out) < most && (i < len(a) || j < len(b)); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, fmt.Sprintf("-%d: %s", i+1, a[i]))
			i++
		default:
			out = append(out, fmt.Sprintf("+%d: %s", j+1, b[j]))
			j++
		}
	}
	if len(out) == most {
		out = append(out, "…")
	}
	return strings.Join(out, "\n")
}

// commonLengths returns, for each pair of suffixes of a and b, the length of their longest common subsequence.
func commonLengths(a, b []string) [][]int {
	lengths := make([][]int, len(a)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	return lengths
}
