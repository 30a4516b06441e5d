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

// server is the private server of this process. The reference to reaper keeps its input open until this process ends.
type server struct {
	*pgserver.Server
	reaper *exec.Cmd
}

// privateServer starts the private server at the first call and then returns the same server. It is global because all tests
// of the process share the server.
var privateServer = sync.OnceValues(startServer) //nolint:gochecknoglobals // shared by all tests

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
		// The data is deleted after the tests and needs no durability. Autovacuum stays on, as in production.
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("tests need a PostgreSQL server (or set %s): %w", serverEnv, err)
	}
	reaper, err := startReaper(s.PID(), root)
	if err != nil {
		return nil, err
	}
	return &server{s, reaper}, nil
}

// startReaper starts a shell that waits until this process ends, stops the server with the process id pid and removes root.
// The shell's input is a pipe, which the kernel closes when this process ends.
func startReaper(pid int, root string) (*exec.Cmd, error) {
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
