// Package docs_test tests the documents: that their links lead to existing files and headings, and that the tests that they name
// exist.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// files returns the contents of all files of the project with the extension, by path below root.
func files(t *testing.T, extension string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "third_party" || name == "dist" || name == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(name) == extension && entry.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[path] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLinks(t *testing.T) {
	links := 0
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	documents := files(t, ".md")
	for path, text := range documents {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			target, heading, _ := strings.Cut(m[1], "#")
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link %s leads nowhere", path, m[1])
				continue
			}
			if heading != "" && !hasHeading(documents[file], heading) {
				t.Errorf("%s: the link %s leads to no heading", path, m[1])
			}
		}
	}
	if links == 0 {
		t.Error("the documents have no links")
	}
}

// hasHeading reports whether a document has a heading with this anchor.
func hasHeading(text, anchor string) bool {
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestNamedTestsExist checks that each test that docs/asvs.md names exists.
func TestNamedTestsExist(t *testing.T) {
	exist := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for path, source := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range declaration.FindAllStringSubmatch(source, -1) {
				exist[m[1]] = true
			}
		}
	}
	text, err := os.ReadFile(root + "/docs/asvs.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1)
	for _, m := range named {
		if !exist[m[1]] {
			t.Errorf("docs/asvs.md names %s, which does not exist", m[1])
		}
	}
	if len(named) == 0 {
		t.Error("docs/asvs.md names no tests")
	}
}
