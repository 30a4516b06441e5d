package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"testing"
)

// command returns a command that is killed when the test ends or takes too long.
func command(t *testing.T, name string, arguments ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, arguments...)
}

// output is the output of a running program, line by line.
type output struct {
	t      *testing.T
	lines  chan string
	errors *bytes.Buffer
}

// startLines starts a program.
func startLines(t *testing.T, cmd *exec.Cmd) *output {
	t.Helper()
	o := &output{t: t, lines: make(chan string), errors: &bytes.Buffer{}}
	cmd.Stderr = o.errors
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.lines)
		for s := bufio.NewScanner(pipe); s.Scan(); {
			select {
			case o.lines <- s.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has usually ended
		if t.Failed() {
			t.Logf("errors of %s:\n%s", cmd.Path, o.errors)
		}
	})
	return o
}

// want waits for a line. It skips others.
func (o *output) want(line string) {
	o.t.Helper()
	for got := range o.lines {
		o.t.Log(got)
		if got == line {
			return
		}
	}
	o.t.Fatalf("the program has ended without the line %q", line)
}
