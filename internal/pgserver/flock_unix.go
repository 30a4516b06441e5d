//go:build unix

package pgserver

import (
	"os"
	"syscall"
)

// tryLock takes the file's lock, which the kernel releases when the process ends. It reports false when another holds
// it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}
