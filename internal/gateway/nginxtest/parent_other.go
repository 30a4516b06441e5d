//go:build !linux

package nginxtest

import "syscall"

// dieWithParent returns nil: only Linux can end a child with its parent. The test's cleanup ends the server.
func dieWithParent() *syscall.SysProcAttr { return nil }
