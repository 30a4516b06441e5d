// Package mongotest runs a MongoDB-compatible server for tests: FerretDB on SQLite. The server is built from a separate
// module, tools/ferretdb. It does not support transactions, partial indexes or TTL indexes.
package mongotest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Start runs an empty server until t ends and returns its URL. It fails t if the server cannot be built or started.
func Start(t testing.TB) string {
	t.Helper()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(binary, t.TempDir())
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // stops the server
		if err := cmd.Wait(); err != nil {
			t.Errorf("ferretdb: %v\n%s", err, stderr.String())
		}
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("ferretdb ended before it printed its URL")
	}
	return strings.TrimSpace(url)
}

// program builds the server on the first call and returns the path of the binary. It is a global because one build per
// process is enough.
var program = sync.OnceValues(build) //nolint:gochecknoglobals // see above

// build compiles tools/ferretdb into .cache and returns the path of the binary. The first build on a machine takes
// minutes. Later builds take less than a second, because the go command does not rebuild an up-to-date binary.
func build() (string, error) {
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the MongoDB tests need the go command to build tools/ferretdb: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(gomod)))
	binary := filepath.Join(root, ".cache", "ferretdb")
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-C", filepath.Join(root, "tools", "ferretdb"), "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the MongoDB tests cannot build tools/ferretdb: %w\n%s", err, out)
	}
	return binary, nil
}
