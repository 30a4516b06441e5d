package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime returns the CPU time of a process in user and kernel mode, from the kernel's CPU clock of the process. It includes
// threads that have ended.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED: user and kernel mode together, in nanoseconds
	var t syscall.Timespec
	//nolint:gosec // the kernel writes the result to t
	_, _, code := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(^pid<<3|schedulerClock), uintptr(unsafe.Pointer(&t)), 0)
	if code != 0 {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, code)
	}
	return time.Duration(t.Nano()), nil
}
