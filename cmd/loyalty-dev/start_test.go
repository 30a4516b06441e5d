package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programEnv makes the test binary be the program itself, or, with the value parent, start the program as "go run" does.
const programEnv = "LOYALTY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch path := os.Getenv(programEnv); path {
	case "":
		os.Exit(m.Run())
	case "self":
		main()
	default:
		os.Exit(runAsGoDoes(path))
	}
}

// runAsGoDoes runs the program at path and, like "go run", leaves signals to it.
func runAsGoDoes(path string) int {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command(path, os.Args[1:]...)
	cmd.Env = append(os.Environ(), programEnv+"=self")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// program is a running loyalty-dev.
type program struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	said strings.Builder
}

// launch starts the program, or, if path is set, a parent that runs the program at path.
func launch(t *testing.T, path string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), programEnv+"=self")
	if path != "" {
		cmd.Env = append(os.Environ(), programEnv+"="+path)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, out: bufio.NewReader(out)}
	t.Cleanup(func() { p.end(os.Kill) })
	return p
}

// await reads the program's output up to the line that holds text, which it returns.
func (p *program) await(t *testing.T, text string) string {
	t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		p.said.WriteString(line)
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			t.Fatalf("the program ended before it said %q:\n%s", text, p.said.String())
		}
	}
}

// end sends the signal, waits for the end and returns the rest of the output.
func (p *program) end(s os.Signal) (string, error) {
	_ = p.cmd.Process.Signal(s) // it may have ended
	rest, _ := io.ReadAll(p.out)
	return string(rest), p.cmd.Wait()
}

// dataDir is a data directory into which PostgreSQL can reach as another user, too.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

// postmaster returns the process id of the PostgreSQL that runs on the data directory.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Fatalf("no PostgreSQL runs: %v, %v", found, err)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(content), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// awaitEnd waits until the process is gone.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// address is the one that the program said it listens on.
func address(t *testing.T, line string) string {
	t.Helper()
	_, rest, _ := strings.Cut(line, "Starting on ")
	addr, _, ok := strings.Cut(rest, ",")
	if !ok {
		t.Fatalf("no address in %q", line)
	}
	return addr
}

func TestStartStopStartAgain(t *testing.T) {
	data := dataDir(t)
	for _, bus := range []string{"kafka", "nats"} {
		p := launch(t, "", "--addr", "127.0.0.1:0", "--data", data, "--bus", bus)
		addr := address(t, p.await(t, "Starting on"))
		p.await(t, "Ready")
		resp, err := http.Get("http://" + addr + "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("an unknown route: %s", resp.Status)
		}
		postgres := postmaster(t, data)
		begun := time.Now()
		rest, err := p.end(os.Interrupt)
		if err != nil || !strings.Contains(rest, "Stopped") {
			t.Errorf("Ctrl-C: %v\n%s", err, rest)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("Ctrl-C took %v", took)
		}
		if err := syscall.Kill(postgres, 0); err == nil {
			t.Errorf("PostgreSQL is still there after the end")
		}
	}
}

func TestKillLeavesNoProcess(t *testing.T) {
	data := dataDir(t)
	p := launch(t, "", "--addr", "127.0.0.1:0", "--data", data)
	p.await(t, "Ready")
	postgres := postmaster(t, data)
	p.end(os.Kill)
	awaitEnd(t, postgres)

	p = launch(t, "", "--addr", "127.0.0.1:0", "--data", data)
	p.await(t, "Ready")
}

func TestStopsWithGoRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "go-build1") // as "go run" names its own
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(self))); err != nil {
		t.Fatal(err)
	}
	data := dataDir(t)
	for _, s := range []os.Signal{syscall.SIGTERM, os.Kill} {
		p := launch(t, filepath.Join(dir, filepath.Base(self)), "--addr", "127.0.0.1:0", "--data", data)
		p.await(t, "Ready")
		postgres := postmaster(t, data)
		// The output ends when the last process that holds it does.
		if rest, _ := p.end(s); !strings.Contains(rest, "Stopping") {
			t.Errorf("%v to the parent: the program did not stop:\n%s", s, rest)
		}
		awaitEnd(t, postgres)
	}
}

func TestRefusalsAreOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inUse := dataDir(t)
	running := launch(t, "", "--addr", "127.0.0.1:0", "--data", inUse)
	running.await(t, "Ready")
	versions, err := filepath.Glob(filepath.Join(inUse, "postgres", "*", "PG_VERSION"))
	if err != nil || len(versions) != 1 {
		t.Fatal(versions, err)
	}
	ancient := dataDir(t)
	write(filepath.Join(ancient, "layout"), "1\n")
	write(filepath.Join(ancient, strings.TrimPrefix(versions[0], inUse)), "9\n")
	file := filepath.Join(dataDir(t), "file")
	write(file, "")

	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a busy port": {[]string{"--addr", taken.Addr().String(), "--data", dataDir(t)}, 1,
			"cannot listen on " + taken.Addr().String() + ": address already in use"},
		"a directory in use":   {[]string{"--addr", "127.0.0.1:0", "--data", inUse}, 1, "is in use by another loyalty-dev"},
		"a file for directory": {[]string{"--addr", "127.0.0.1:0", "--data", file}, 1, "cannot be used: not a directory"},
		"another PostgreSQL's": {[]string{"--addr", "127.0.0.1:0", "--data", ancient}, 1, "PostgreSQL 9"},
		"an unknown bus":       {[]string{"--bus", "tram"}, 2, `--bus is kafka or nats, not "tram"`},
		"an argument":          {[]string{"turo"}, 2, `unknown argument "turo"`},
		"a tour of nothing": {[]string{"tour", "--addr", "127.0.0.1:1", "--admin-email", "a", "--admin-password", "b"}, 1,
			"nothing answers at http://127.0.0.1:1"},
		"a tour without admin": {[]string{"tour", "--data", filepath.Dir(file)}, 1, "--admin-email and --admin-password"},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, "", tt.args...)
			out, err := p.end(syscall.SIGCONT)
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != tt.code {
				t.Fatalf("ended with %v, want exit code %d:\n%s", err, tt.code, out)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			last := lines[len(lines)-1]
			if !strings.HasPrefix(last, "loyalty-dev") || !strings.Contains(last, tt.want) {
				t.Errorf("said\n%s\nwant a last line with %q", out, tt.want)
			}
			for _, line := range lines[:len(lines)-1] {
				if !strings.Contains(line, " s  ") {
					t.Errorf("said more than progress and one line: %q", line)
				}
			}
		})
	}
}
