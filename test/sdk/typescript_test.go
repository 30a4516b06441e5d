package sdk_test

import (
	"os/exec"
	"sync"
	"testing"
)

const typescriptFolder = "../../sdk/typescript"

// compiled is the TypeScript SDK with its examples and tests. It is compiled once.
var compiled struct {
	once sync.Once
	out  []byte
	err  error
}

// compileTypeScript compiles the TypeScript SDK.
func compileTypeScript(t *testing.T) {
	t.Helper()
	compiled.once.Do(func() {
		cmd := exec.Command("sh", "-c",
			"test -d node_modules || npm ci --prefer-offline --no-audit --no-fund --loglevel error && npm run --silent compile")
		cmd.Dir = typescriptFolder
		compiled.out, compiled.err = cmd.CombinedOutput()
	})
	if compiled.err != nil {
		t.Fatalf("%v\n%s", compiled.err, compiled.out)
	}
}

// typescript returns a command that runs a compiled program of the TypeScript SDK.
func typescript(t *testing.T, script string, arguments ...string) *exec.Cmd {
	t.Helper()
	compileTypeScript(t)
	cmd := command(t, "node", append([]string{"build/" + script}, arguments...)...)
	cmd.Dir = typescriptFolder
	return cmd
}

// TestTypeScriptExample runs the example of the TypeScript SDK, which plays the three scenarios with a live inbox.
func TestTypeScriptExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	t.Run("Node.js", func(t *testing.T) {
		t.Parallel()
		out, err := typescript(t, "examples/scenarios/main.js",
			"--url", p.url(), "--email", adminEmail, "--password", adminPassword).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("Chromium", func(t *testing.T) {
		t.Parallel()
		out, err := typescript(t, "tests/browser.js", p.url(), adminEmail, adminPassword).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestTypeScriptFaults is TestGoFaults with the TypeScript SDK.
func TestTypeScriptFaults(t *testing.T) {
	t.Parallel()
	playFaults(t, func(arguments ...string) *exec.Cmd { return typescript(t, "tests/faults.js", arguments...) })
}
