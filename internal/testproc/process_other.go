//go:build !linux

package testproc

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// own does nothing: only Linux can end a child with its parent. The test's cleanup ends the server.
func own(*exec.Cmd, syscall.Signal) {}

func killGroup(p *os.Process) { _ = p.Kill() }

// freeze returns an error: tests freeze processes on Linux only.
func freeze(*os.Process) error { return errors.ErrUnsupported }

func thaw(*os.Process) error { return errors.ErrUnsupported }
