// Package mongotest runs a MongoDB-compatible server for tests: FerretDB on SQLite. The server is built from a separate
// module, tools/ferretdb. It does not support transactions, partial indexes or TTL indexes.
package mongotest

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/testproc"
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

// program returns the path of the server's binary. It is a global because one build per process is enough.
//
//nolint:gochecknoglobals // see above
var program = sync.OnceValues(func() (string, error) { return testproc.Tool("ferretdb") })
