package sdk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// interpreter is the Python of an environment with the wheel of sdk/python. It is prepared once.
var interpreter struct {
	once sync.Once
	path string
	err  error
}

// python returns a command that runs a Python program.
func python(t *testing.T, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	interpreter.once.Do(func() {
		prepare := exec.Command("../../scripts/sdk-python.sh", "env")
		prepare.Stderr = os.Stderr
		out, err := prepare.Output()
		interpreter.path, interpreter.err = strings.TrimSpace(string(out)), err
	})
	if interpreter.err != nil {
		t.Fatal(interpreter.err)
	}
	path, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, interpreter.path, append([]string{path}, arguments...)...)
	cmd.Dir = t.TempDir() // so that the wheel is imported, and not the sources
	return cmd
}

// TestPythonExample runs the example of the Python SDK, which plays the three scenarios with a live inbox.
func TestPythonExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	out, err := python(t, "../../sdk/python/examples/scenarios.py",
		"--url", p.url(), "--admin-email", adminEmail, "--admin-password", adminPassword).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestPythonListen assigns promotions to a player while the asynchronous example listens, and ends the player's sessions in
// between.
func TestPythonListen(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	admin, user := playerOf(t, p)
	cmd := python(t, "../../sdk/python/examples/listen.py",
		"--url", p.url(), "--email", playerEmail, "--password", playerPassword, "--count", "2")
	lines := startLines(t, cmd)
	lines.want("connected")
	give(t, admin, user, "First")
	lines.want("received First")
	lines.want("0 unread")
	if err := admin.EndSessions(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	lines.want("connected")
	give(t, admin, user, "Second")
	lines.want("received Second")
	lines.want("0 unread")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestPythonReadme runs the code of the README of the Python SDK.
func TestPythonReadme(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	admin, user := playerOf(t, p)
	promotion := give(t, admin, user, "Claimed")
	readme, err := filepath.Abs("../../sdk/python/README.md")
	if err != nil {
		t.Fatal(err)
	}
	cmd := python(t, "python/readme.py", readme, p.url(), playerEmail, playerPassword, adminEmail, adminPassword, promotion)
	lines := startLines(t, cmd)
	lines.want("listening")
	give(t, admin, user, "Live")
	lines.want("ran 8 blocks")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestPythonFaults is TestGoFaults with the Python SDK.
func TestPythonFaults(t *testing.T) {
	t.Parallel()
	playFaults(t, func(arguments ...string) *exec.Cmd { return python(t, "python/faults.py", arguments...) })
}
