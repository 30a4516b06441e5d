package redistest

import "syscall"

// dieWithParent makes a server end with the test process, however that ends.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
