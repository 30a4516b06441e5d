package sdk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docs = "../../docs/api"

// startCommand is the command in docs/api that starts the platform. The test has started it.
const startCommand = "go run ./cmd/loyalty-dev --admin-email admin@example.com --admin-password admin-password\n"

// snippet is a fenced block of a page.
type snippet struct {
	page, language, text string
	line                 int
}

func (s snippet) String() string { return fmt.Sprintf("%s:%d", s.page, s.line) }

// TestAPIDocs runs the snippets of docs/api. The shell snippets of a page run in one shell, after those that the page README
// sets up. JSON after a shell snippet is its output: it must have the same members and codes. The snippets of each SDK run in one
// program, which uses the variable url and the function show.
func TestAPIDocs(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq", "oathtool", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v; scripts/setup.sh installs it", err)
		}
	}
	p := startPlatform(t)
	pages := snippets(t, p, startNginx(t, p))
	setUp := only("sh", pages["README.md"])[0].text
	bin := t.TempDir()
	for _, page := range sortedKeys(pages) {
		runShell(t, setUp, bin, pages[page])
	}
	of := func(language string) []snippet {
		var found []snippet
		for _, page := range sortedKeys(pages) {
			found = append(found, only(language, pages[page])...)
		}
		if len(found) == 0 {
			t.Fatalf("docs/api has no snippets in the language %q", language)
		}
		return found
	}
	runSnippets(t, p, "Go", goSnippets(t, of("go")))
	runSnippets(t, p, "TypeScript", typescriptSnippets(t, of("ts")))
	runSnippets(t, p, "Python", pythonSnippets(t, of("python")))
}

// snippets returns the blocks of all pages, with the address and the password of p, and the address of Nginx for HTTP/2.
func snippets(t *testing.T, p *platform, nginx string) map[string][]snippet {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pages in docs/api: ", err)
	}
	fence := regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	pages := map[string][]snippet{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page := filepath.Base(file)
		for _, at := range fence.FindAllSubmatchIndex(text, -1) {
			s := snippet{
				page: page, language: string(text[at[2]:at[3]]), text: string(text[at[4]:at[5]]),
				line: 1 + bytes.Count(text[:at[0]], []byte("\n")),
			}
			if s.text == startCommand || s.language == "mermaid" {
				continue
			}
			if !slices.Contains([]string{"sh", "json", "go", "ts", "python"}, s.language) {
				t.Errorf("%s: the test cannot run the language %q", s, s.language)
			}
			s.text = strings.NewReplacer("127.0.0.1:8080", p.addr, "127.0.0.1:8081", nginx, "admin-password", adminPassword).Replace(s.text)
			pages[page] = append(pages[page], s)
		}
	}
	return pages
}

// only returns the snippets of a language.
func only(language string, page []snippet) []snippet {
	return slices.DeleteFunc(slices.Clone(page), func(s snippet) bool { return s.language != language })
}

// runShell runs the shell snippets of a page in the root of the repository.
func runShell(t *testing.T, setUp, bin string, page []snippet) {
	t.Helper()
	const mark = "\n=== "
	var script strings.Builder
	fmt.Fprintf(&script, "set -euo pipefail\n{\n%s} >/dev/null\n", setUp)
	for i, s := range page {
		if s.language == "sh" {
			fmt.Fprintf(&script, "printf '\\n=== %d\\n'\n%s", i, s.text)
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	command.Dir = "../.."
	// grpcurl builds faster without xDS.
	command.Env = append(os.Environ(), "GOBIN="+bin, "PATH="+bin+":"+os.Getenv("PATH"), "GOFLAGS=-tags=grpcnoxds")
	var failure bytes.Buffer
	command.Stderr = &failure
	out, err := command.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", page[0].page, err, out, &failure)
		return
	}
	outputs := map[int]string{}
	for _, part := range strings.Split(string(out), mark)[1:] {
		head, output, _ := strings.Cut(part, "\n")
		var i int
		if _, err := fmt.Sscan(head, &i); err != nil {
			t.Fatal(err)
		}
		outputs[i] = output
	}
	for i, s := range page {
		if s.language == "json" {
			compareOutput(t, s, outputs[i-1])
		}
	}
}

// compareOutput checks that the first JSON object in the output of a command looks like the documented one.
func compareOutput(t *testing.T, s snippet, output string) {
	t.Helper()
	var want, got any
	if err := json.Unmarshal([]byte(s.text), &want); err != nil {
		t.Errorf("%s: %v", s, err)
		return
	}
	for _, at := range regexp.MustCompile(`(?m)^\{`).FindAllStringIndex(output, -1) {
		if json.NewDecoder(strings.NewReader(output[at[0]:])).Decode(&got) == nil {
			break
		}
	}
	if got == nil {
		t.Errorf("%s: the snippet above printed no JSON: %q", s, output)
		return
	}
	if difference := compare("", want, got); difference != "" {
		t.Errorf("%s: %s\n%s", s, difference, output)
	}
}

var constant = regexp.MustCompile(`^([A-Z][A-Z_]+|urn:.*|[a-z0-9]+\.[a-z_]+)$`)

// compare returns the first difference of two JSON values: types, members, statuses, and texts that are codes or names of
// rules. Only the first element of an array counts.
func compare(path string, want, got any) string {
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		return fmt.Sprintf("%s is %v, documented is %v", path, got, want)
	}
	switch want := want.(type) {
	case map[string]any:
		got, _ := got.(map[string]any)
		if w, g := sortedKeys(want), sortedKeys(got); !slices.Equal(w, g) {
			return fmt.Sprintf("%s has the members %v, documented are %v", path, g, w)
		}
		for _, name := range sortedKeys(want) {
			if difference := compare(path+"."+name, want[name], got[name]); difference != "" {
				return difference
			}
		}
	case []any:
		if got, _ := got.([]any); len(want) > 0 {
			if len(got) == 0 {
				return path + " is empty"
			}
			return compare(path+"[0]", want[0], got[0])
		}
	case string:
		if constant.MatchString(want) && want != got {
			return fmt.Sprintf("%s is %q, documented is %q", path, got, want)
		}
	default:
		if strings.HasSuffix(path, ".status") && want != got {
			return fmt.Sprintf("%s is %v, documented is %v", path, got, want)
		}
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
