//go:build !linux

package pgserver

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// account is the user that the server runs as. It is always nil here, which means the user of this process.
type account struct{}

func serverAccount() (*account, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("PostgreSQL refuses to run as root: start this program as an ordinary user")
	}
	return nil, nil
}

// attach does nothing: only Linux can end a child with its parent. The next start reports a server that still runs.
func attach(*exec.Cmd, *account, syscall.Signal) {}

func checkReachable(string, *account) error { return nil }

func chown(string, *account) error { return nil }

// runsIn reports whether the process is alive. It does not check the working directory.
func runsIn(pid int, _ string) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}
