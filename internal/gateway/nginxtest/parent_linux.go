package nginxtest

import "syscall"

// dieWithParent makes the kernel end the server when the test process ends.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
