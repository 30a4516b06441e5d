//go:build !linux

package testproc

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// Own does nothing: only Linux can end a child with its parent. The test's cleanup ends the server.
func Own(*exec.Cmd, syscall.Signal) {}

// KillGroup kills the process.
func KillGroup(p *os.Process) { _ = p.Kill() }

// Freeze returns an error: tests freeze processes on Linux only.
func Freeze(*os.Process) error { return errors.ErrUnsupported }

// Thaw returns an error.
func Thaw(*os.Process) error { return errors.ErrUnsupported }
