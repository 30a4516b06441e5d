package topics_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryPackageOfEventsIsListed compares what is imported with what was generated.
func TestEveryPackageOfEventsIsListed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../gen/go/loyalty/*/v*/*event/*_gen.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated packages of events are found: %v", err)
	}
	var want []string
	for _, file := range files {
		want = append(want, "github.com/casino-loyalty/loyalty/"+filepath.ToSlash(filepath.Dir(file[len("../../"):])))
	}
	source, err := parser.ParseFile(token.NewFileSet(), "topics.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, spec := range source.Imports {
		if path, _ := strconv.Unquote(spec.Path.Value); strings.Contains(path, "/gen/") {
			got = append(got, path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("the packages of events are %v, listed are %v", want, got)
	}
}
