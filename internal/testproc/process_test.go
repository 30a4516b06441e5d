package testproc_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

func shell(t *testing.T, script string) *testproc.Process {
	t.Helper()
	p := testproc.Start(t, exec.Command("sh", "-c", script), syscall.SIGKILL)
	t.Cleanup(p.Kill)
	return p
}

// said returns a check that succeeds when the process has printed text.
func said(p *testproc.Process, text string) func(context.Context) error {
	return func(context.Context) error {
		if !strings.Contains(p.Output(), text) {
			return errors.New("not printed yet")
		}
		return nil
	}
}

func TestServerThatExitsIsNotReady(t *testing.T) {
	p := shell(t, "echo to stdout; echo to stderr >&2; exit 3")
	if p.Ready(t, func(context.Context) error { return errors.New("never") }) {
		t.Error("a process that has exited is ready")
	}
	if err := p.Exit(); err == nil || err.Error() != "exited: exit status 3" {
		t.Errorf("Exit: %v, want exit status 3", err)
	}
	for _, text := range []string{"to stdout\n", "to stderr\n"} {
		if !strings.Contains(p.Output(), text) {
			t.Errorf("the output is %q, want it to contain %q", p.Output(), text)
		}
	}
}

// TestExitIsNoticedAfterTheCheck checks that Ready does not trust a check that another server may have answered.
func TestExitIsNoticedAfterTheCheck(t *testing.T) {
	p := shell(t, "exit 1")
	_ = p.Wait()
	if p.Ready(t, func(context.Context) error { return nil }) {
		t.Error("a process that has exited is ready")
	}
}

func TestStop(t *testing.T) {
	p := shell(t, `trap 'kill $!; echo stopping; exit 0' TERM; sleep 1000 & echo started; wait`)
	if !p.Ready(t, said(p, "started")) {
		t.FailNow()
	}
	if err := p.Exit(); err != nil {
		t.Errorf("Exit of a running process: %v", err)
	}
	if err := p.Stop(syscall.SIGTERM); err != nil || !strings.Contains(p.Output(), "stopping") {
		t.Errorf("Stop: %v, output %q", err, p.Output())
	}
}

func TestKill(t *testing.T) {
	p := shell(t, `trap '' TERM; echo started; sleep 1000`)
	if !p.Ready(t, said(p, "started")) {
		t.FailNow()
	}
	p.Kill()
	p.Kill()
	if err := p.Wait(); err == nil {
		t.Error("Wait for a killed process returned nil")
	}
}
