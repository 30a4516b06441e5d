//go:build !linux

package redistest

import "syscall"

// dieWithParent is only to be had on Linux; elsewhere the test's cleanup alone ends a server.
func dieWithParent() *syscall.SysProcAttr { return nil }
