//go:build unix

package redistest

import (
	"syscall"
	"testing"
)

// Freeze stops the server's process without ending it, as a machine does that hangs: connections stay, answers do not
// come.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
