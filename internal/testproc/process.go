package testproc

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
)

const (
	// readyTimeout limits how long a server may start. It is long, because the machine may be loaded.
	readyTimeout = 2 * time.Minute
	// stopTimeout limits how long a server may take to stop.
	stopTimeout = time.Minute
	// outputTimeout limits how long children of a server that has exited may keep its output open.
	outputTimeout = 5 * time.Second
)

// Process is a running server. It ends with the test process. Its methods are safe for concurrent use.
type Process struct {
	cmd    *exec.Cmd
	output logstest.Buffer
	err    error // set before exited is closed
	exited chan struct{}
}

// Start starts cmd and collects its output. The kernel sends sig to the process when the test process ends. The caller kills
// or stops the process.
func Start(t testing.TB, cmd *exec.Cmd, sig syscall.Signal) *Process {
	t.Helper()
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.WaitDelay = outputTimeout
	own(cmd, sig)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	return p
}

// Ready repeats check until it returns nil. It logs the output of the process and returns false if the process exits first,
// or if check does not succeed within two minutes.
func (p *Process) Ready(t testing.TB, check func(context.Context) error) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-p.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	policy := backoff.Policy{Initial: 5 * time.Millisecond, Max: 200 * time.Millisecond, Timeout: readyTimeout}
	err := backoff.Retry(ctx, policy, check)
	if exit := p.Exit(); exit != nil {
		err = exit
	}
	if err != nil {
		t.Logf("%s is not ready: %v\n%s", p.cmd.Path, err, p.Output())
	}
	return err == nil
}

// Exit returns how the process has exited, or nil if it is still running.
func (p *Process) Exit() error {
	select {
	case <-p.exited:
		return fmt.Errorf("exited: %s", p.cmd.ProcessState)
	default:
		return nil
	}
}

// Wait waits until the process has exited. It returns an error if the process has failed.
func (p *Process) Wait() error {
	<-p.exited
	return p.err
}

// Kill kills the process and its children with SIGKILL, and waits until the process has exited. It is idempotent.
func (p *Process) Kill() {
	if p.Exit() == nil {
		killGroup(p.cmd.Process)
	}
	<-p.exited
}

// Stop sends sig, which ends the process, and waits until the process has exited. It kills the process if it has not exited
// after a minute. It returns an error if the process has failed or was killed.
func (p *Process) Stop(sig syscall.Signal) error {
	_ = p.cmd.Process.Signal(sig) // fails only if the process has exited
	select {
	case <-p.exited:
		return p.err
	case <-time.After(stopTimeout):
		p.Kill()
		return errors.New("killed: the process did not stop")
	}
}

// Freeze suspends the process: its connections stay open, but it does not answer.
func (p *Process) Freeze(t testing.TB) {
	t.Helper()
	if err := freeze(p.cmd.Process); err != nil {
		t.Fatal(err)
	}
}

// Thaw continues the process after Freeze.
func (p *Process) Thaw(t testing.TB) {
	t.Helper()
	if err := thaw(p.cmd.Process); err != nil {
		t.Fatal(err)
	}
}

// Output returns what the process has written to its standard output and standard error.
func (p *Process) Output() string { return p.output.String() }
