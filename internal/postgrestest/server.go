package postgrestest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// server is the process's private server. The command is kept since the end of its input means the end of this process.
type server struct {
	*pgserver.Server
	reaper *exec.Cmd
}

// privateServer starts the process's server at its first call. It is the one global of this package: a process has one
// server, and no test owns it.
var privateServer = sync.OnceValues(startServer) //nolint:gochecknoglobals // as said

func startServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	root, err := os.MkdirTemp("", "loyalty-postgrestest-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(root, 0o755); err != nil { // the server may run as another user
		return nil, err
	}
	s, err := pgserver.Start(ctx, pgserver.Options{
		DataDir: filepath.Join(root, "data"),
		// Nothing here outlives the tests, so durability is waived; autovacuum stays on, as in production.
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("tests need a PostgreSQL server (or set %s): %w", serverEnv, err)
	}
	reaper, err := removeAfter(s.PID(), root)
	if err != nil {
		return nil, err
	}
	return &server{s, reaper}, nil
}

// removeAfter leaves a shell behind that, when this process has ended, however that came, waits for the server's end
// and removes root. It learns of our end by its input: the other side of the pipe closes.
func removeAfter(pid int, root string) (*exec.Cmd, error) {
	const script = `cat >/dev/null
kill -INT "$1" 2>/dev/null
n=0
while kill -0 "$1" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
rm -rf "$2"`
	reaper := exec.Command("/bin/sh", "-c", script, "sh", strconv.Itoa(pid), root)
	if _, err := reaper.StdinPipe(); err != nil {
		return nil, err
	}
	return reaper, reaper.Start()
}
