//go:build !linux

package pgserver

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// account is the user under whom the server runs; nil means the one who runs this process, the only choice here.
type account struct{}

func serverAccount() (*account, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("PostgreSQL does not run as root: start this program as an ordinary user")
	}
	return nil, nil
}

// attach does nothing: only Linux can tie a child's life to its parent's. A server left behind by a process that was
// killed is reported at the next start.
func attach(*exec.Cmd, *account, syscall.Signal) {}

func checkReachable(string, *account) error { return nil }

func own(string, *account) error { return nil }

// runsIn reports whether the process is alive; what it works on cannot be told here.
func runsIn(pid int, _ string) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}
