//go:build unix

package check

import "syscall"

// fileLimit returns the number of files that a process may open. Go programs raise their limit to the hard limit.
func fileLimit() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Max), err //nolint:unconvert // the type is int64 on FreeBSD
}
