package sdk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runSnippets runs a program with the snippets of an SDK. Its arguments are the URL of the platform and a title. It prints "shown
// TITLE" for each notification that a snippet shows. After the first one, the player gets a promotion with the title. The program
// ends the snippet that shows its notification.
func runSnippets(t *testing.T, p *platform, sdk string, program func(arguments ...string) *exec.Cmd) {
	t.Helper()
	title := "Live in " + sdk
	cmd := program(p.url(), title)
	output := startLines(t, cmd)
	assigned, shown := false, false
	for line := range output.lines {
		t.Log(line)
		name, ok := strings.CutPrefix(line, "shown ")
		if ok && !assigned {
			assigned = true
			user, err := connect(t, p, "anna@example.com", "a long phrase of anna").GetMe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			give(t, connect(t, p, adminEmail, adminPassword), user, title)
		}
		shown = shown || ok && name == title
	}
	if err := cmd.Wait(); err != nil || !shown {
		t.Errorf("the snippets of the %s SDK in docs/api: %v; the live notification was shown: %t", sdk, err, shown)
	}
}

// goSnippets returns a program in which each snippet is a function.
func goSnippets(t *testing.T, snippets []snippet) func(arguments ...string) *exec.Cmd {
	t.Helper()
	var functions, calls strings.Builder
	for i, s := range snippets {
		fmt.Fprintf(&functions, "\nfunc snippet%d(ctx context.Context, url string, show func(loyalty.Notification)) error {\n", i)
		fmt.Fprintf(&functions, "//line %s:%d\n%s\nreturn nil\n}\n", s.page, s.line+1, s.text)
		fmt.Fprintf(&calls, "\trun(%q, snippet%d)\n", s, i)
	}
	path := filepath.Join(t.TempDir(), "main.go")
	write(t, path, `package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

func main() {
	_ = slices.Backward[[]int]
`+calls.String()+`}

func run(name string, snippet func(context.Context, string, func(loyalty.Notification)) error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := snippet(ctx, os.Args[1], func(n loyalty.Notification) {
		fmt.Println("shown", n.Content["title"])
		if n.Content["title"] == os.Args[2] {
			cancel()
		}
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}
`+functions.String())
	return func(arguments ...string) *exec.Cmd {
		return command(t, "go", append([]string{"run", path}, arguments...)...)
	}
}

// typescriptSnippets compiles a program in which each snippet is a module. sdk/typescript/tests/docs.ts runs them.
func typescriptSnippets(t *testing.T, snippets []snippet) func(arguments ...string) *exec.Cmd {
	t.Helper()
	compileTypeScript(t)
	folder := filepath.Join(typescriptFolder, "build", "docs")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "tsconfig.json"), `{"extends": "../../tests/tsconfig.json", "include": ["."]}`)
	var main strings.Builder
	main.WriteString("import { run } from \"../../tests/docs.js\";\n")
	for _, s := range snippets {
		name := fmt.Sprintf("%s-line-%d", strings.TrimSuffix(s.page, ".md"), s.line)
		write(t, filepath.Join(folder, name+".ts"), "import { show, url } from \"../../tests/docs.js\";\n"+s.text)
		fmt.Fprintf(&main, "await run(%q, () => import(\"./%s.js\"));\n", s, name)
	}
	write(t, filepath.Join(folder, "main.ts"), main.String())
	compile := command(t, "node_modules/.bin/tsc", "--project", "build/docs")
	compile.Dir = typescriptFolder
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("the TypeScript snippets of docs/api: %v\n%s", err, out)
	}
	// The compiler writes build/docs/main.ts to build/build/docs/main.js.
	return func(arguments ...string) *exec.Cmd { return typescript(t, "build/docs/main.js", arguments...) }
}

// pythonSnippets returns a program that executes each snippet.
func pythonSnippets(t *testing.T, snippets []snippet) func(arguments ...string) *exec.Cmd {
	t.Helper()
	var blocks []map[string]any
	for _, s := range snippets {
		blocks = append(blocks, map[string]any{"page": s.page, "line": s.line, "text": s.text})
	}
	encoded, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	return func(arguments ...string) *exec.Cmd {
		cmd := python(t, "python/docs.py", arguments...)
		cmd.Stdin = bytes.NewReader(encoded)
		return cmd
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
