package testproc

import (
	"os"
	"os/exec"
	"syscall"
)

// own makes the kernel send sig to the process when the test process ends. The process gets its own group, so that an
// interrupt at the terminal reaches only the test process, and so that killGroup can kill its children.
func own(cmd *exec.Cmd, sig syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, sig
}

// killGroup kills a process that own has prepared, and its children, with SIGKILL.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

func thaw(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
