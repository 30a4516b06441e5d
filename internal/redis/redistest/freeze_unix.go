//go:build unix

package redistest

import (
	"syscall"
	"testing"
)

// Freeze suspends the server's process: connections stay open, but the server does not answer.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
