package testproc

import (
	"os"
	"os/exec"
	"syscall"
)

// Own makes the kernel send sig to the process when the test process ends. The process gets its own group, so that an
// interrupt at the terminal reaches only the test process, and so that KillGroup can kill its children. Call Own before the
// start.
func Own(cmd *exec.Cmd, sig syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: sig}
}

// KillGroup kills a process that Own has prepared, and its children, with SIGKILL.
func KillGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// Freeze suspends a process: its connections stay open, but it does not answer.
func Freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// Thaw continues a process that Freeze has suspended.
func Thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
