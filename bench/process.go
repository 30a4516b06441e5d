package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// process is a server process that this program has started.
type process struct {
	*testproc.Process

	name        string
	url         string // of its public listener
	diagnostics string // URL of its profiles
	pid         int
}

const awaitTimeout = time.Minute

// start starts a process. environ overrides the variables of this process.
func (e *Env) start(name, program string, args []string, environ ...string) (*process, error) {
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), environ...)
	p := &process{name: name}
	s := e.newScope(context.Background()) // Stop or Kill ends the process
	err := s.try(func() { p.Process = testproc.Start(s, command, syscall.SIGKILL) })
	if err != nil {
		return nil, err
	}
	p.pid = command.Process.Pid
	return p, nil
}

// ready waits until the process answers GET /health with 200.
func (p *process) ready(ctx context.Context) error {
	err := await(ctx, func() error {
		if exit := p.Exit(); exit != nil {
			return stopError{exit}
		}
		response, err := http.Get(p.url + "/health")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("/health: %s", response.Status)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s is not ready: %w\n%s", p.name, err, lastLines([]byte(p.Output()), 20))
	}
	return err
}

// stop sends SIGTERM and waits until the process has exited.
func (p *process) stop() error {
	if err := p.Stop(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// cpu returns the CPU time that the process has used.
func (p *process) cpu() (time.Duration, error) { return cpuTime(p.pid) }

// rss returns the resident memory of the process in bytes.
func (p *process) rss() (float64, error) { return p.memory("status", "VmRSS:") }

// pss returns the proportional memory of the process in bytes: its private pages, and its share of pages that several
// processes have mapped.
func (p *process) pss() (float64, error) { return p.memory("smaps_rollup", "Pss:") }

func (p *process) memory(file, field string) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), file))
	if err != nil {
		return 0, err
	}
	return sizeInBytes(text, field)
}

// sizeInBytes returns the value of a line such as "VmRSS:   1234 kB" in bytes.
func sizeInBytes(text []byte, field string) (float64, error) {
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == field && f[2] == "kB" {
			n, err := strconv.Atoi(f[1])
			return float64(n) * 1024, err
		}
	}
	return 0, fmt.Errorf("no line %s", field)
}

// settled waits until the process has used at most 2 % of a core for half a second.
func (p *process) settled(ctx context.Context) error {
	const interval = 500 * time.Millisecond
	last, err := p.cpu()
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(interval):
		}
		now, err := p.cpu()
		if err != nil || now-last <= interval/50 {
			return err
		}
		last = now
	}
}

// settled waits until each of the processes has used at most 2 % of a core for half a second.
func settled(ctx context.Context, processes ...*process) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range processes {
		g.Go(func() error { return p.settled(ctx) })
	}
	return g.Wait()
}

// collect makes the process collect its garbage.
func (p *process) collect() error {
	for range 2 { // objects with finalizers need two collections
		if err := get(p.diagnostics+"/debug/pprof/heap?gc=1", io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// get copies the body of a response to out.
func get(url string, out io.Writer) error {
	response, err := http.Get(url) //nolint:gosec // the URL of a process that this program has started
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	_, err = io.Copy(out, response.Body)
	return err
}

// stopError is an error after which await does not check again.
type stopError struct{ error }

// await calls check until it returns nil or a stopError. It returns the last error after awaitTimeout.
func await(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil || errors.As(err, new(stopError)) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func lastLines(text []byte, n int) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
