//go:build !linux

package pgbouncertest

import "os/exec"

// dropRoot does nothing: only tests on Linux run as root.
func dropRoot(*exec.Cmd) {}
