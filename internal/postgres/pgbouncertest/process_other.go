//go:build !linux

package pgbouncertest

import "syscall"

// attributes returns the defaults: only Linux can end a child with its parent. The test's cleanup ends PgBouncer.
func attributes() *syscall.SysProcAttr { return nil }
