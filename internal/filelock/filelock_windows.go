package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Try locks f for this process until f is closed, however the process ends. It reports false if another has it.
func Try(f *os.File) (bool, error) {
	// The byte locked lies past the content, which thus stays readable.
	at := &windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
