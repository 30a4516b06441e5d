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
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programEnv selects what the test binary runs. With the value "self" it runs loyalty-dev. With a path it starts the program
// at that path, as "go run" does.
const programEnv = "LOYALTY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch path := os.Getenv(programEnv); path {
	case "":
		os.Exit(m.Run())
	case "self":
		main()
	default:
		os.Exit(runLikeGoRun(path))
	}
}

// runLikeGoRun runs the program at path and leaves signals to it, as "go run" does.
func runLikeGoRun(path string) int {
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

// launch starts the program. If path is set, it starts a parent process that runs the program at path.
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
	t.Cleanup(func() { p.end(syscall.SIGTERM) }) // not SIGKILL: PostgreSQL must end before its directory is removed
	return p
}

// await reads the output of the program up to the line that contains text, and returns that line.
func (p *program) await(t *testing.T, text string) string {
	t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		p.said.WriteString(line)
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			t.Fatalf("the program ended before it printed %q:\n%s", text, p.said.String())
		}
	}
}

// end sends the signal, waits until the program ends and returns the rest of its output.
func (p *program) end(s os.Signal) (string, error) {
	_ = p.cmd.Process.Signal(s) // it may have ended
	rest, _ := io.ReadAll(p.out)
	return string(rest), p.cmd.Wait()
}

// dataDir returns a data directory that PostgreSQL can enter as another user.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

// postmaster returns the process id of the PostgreSQL server on the data directory.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Fatalf("no running PostgreSQL: %v, %v", found, err)
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

// awaitEnd waits until the process has ended.
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
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// address returns the address in the line "Starting on ADDRESS, data in DIRECTORY".
func address(t *testing.T, line string) string {
	t.Helper()
	_, rest, _ := strings.Cut(line, "Starting on ")
	addr, _, ok := strings.Cut(rest, ",")
	if !ok {
		t.Fatalf("no address in %q", line)
	}
	return addr
}

func TestStartStopRestart(t *testing.T) {
	data := dataDir(t)
	for _, bus := range []string{"kafka", "nats"} {
		p := launch(t, "", "--addr", "127.0.0.1:0", "--data", data, "--bus", bus)
		addr := address(t, p.await(t, "Starting on"))
		p.await(t, "Ready")
		get(t, "http://"+addr+"/health") // the first request, because "Ready" promises that the platform is ready
		resp, err := http.Get("http://" + addr + "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("unknown route: status %s, want 404", resp.Status)
		}
		postgres := postmaster(t, data)
		checkIndex(t, "http://"+addr)
		rest, err := p.end(os.Interrupt)
		if err != nil || !strings.Contains(rest, "Stopped") {
			t.Errorf("Ctrl-C: exit error %v, want nil and the output Stopped:\n%s", err, rest)
		}
		if err := syscall.Kill(postgres, 0); err == nil {
			t.Error("PostgreSQL still runs after loyalty-dev has ended")
		}
	}
}

// checkIndex checks that every link of the page at "/" leads to an existing page.
func checkIndex(t *testing.T, url string) {
	t.Helper()
	page := get(t, url+"/")
	links := regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 5 || !strings.Contains(page, "/api/v1/auth/login") {
		t.Errorf("the page at / lacks links or the login:\n%s", page)
	}
	for _, link := range links {
		get(t, url+link[1])
	}
}

// get returns the body at url and fails the test unless the answer is 200.
func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("GET %s: status %s, %v, want 200", url, resp.Status, err)
	}
	return string(body)
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
	if rest, err := p.end(os.Interrupt); err != nil {
		t.Errorf("the second start did not stop: %v\n%s", err, rest)
	}
}

func TestStopsWithGoRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "go-build1") // "go run" uses such names
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(self))); err != nil {
		t.Fatal(err)
	}
	data := dataDir(t)
	for _, s := range []os.Signal{syscall.SIGTERM, os.Kill} {
		p := launch(t, filepath.Join(dir, filepath.Base(self)), "--addr", "127.0.0.1:0", "--data", data)
		p.await(t, "Ready")
		postgres := postmaster(t, data)
		// end reads the output until both the parent and the program have ended.
		if rest, _ := p.end(s); !strings.Contains(rest, "Stopping") {
			t.Errorf("%v to the parent did not stop the program:\n%s", s, rest)
		}
		awaitEnd(t, postgres)
	}
}

func TestErrorsAreOneLine(t *testing.T) {
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
		"busy port": {[]string{"--addr", taken.Addr().String(), "--data", dataDir(t)}, 1,
			"cannot listen on " + taken.Addr().String() + ": address already in use"},
		"directory in use":                   {[]string{"--addr", "127.0.0.1:0", "--data", inUse}, 1, "is in use by another loyalty-dev"},
		"file as directory":                  {[]string{"--addr", "127.0.0.1:0", "--data", file}, 1, "cannot be used: not a directory"},
		"data of another PostgreSQL version": {[]string{"--addr", "127.0.0.1:0", "--data", ancient}, 1, "PostgreSQL 9"},
		"unknown bus":                        {[]string{"--bus", "tram"}, 2, `invalid value "tram" for flag --bus: must be kafka or nats`},
		"address limit":                      {[]string{"--address-limit", "1000000"}, 2, "--address-limit: must be a whole number from 1 to 60000"},
		"log level":                          {[]string{"--log-level", "loud"}, 2, "--log-level: must be debug, info, warn or error"},
		"address":                            {[]string{"--addr", "localhost"}, 2, "--addr: must be host:port"},
		"admin e-mail":                       {[]string{"--admin-email", "anna"}, 2, "--admin-email: must be an e-mail address"},
		"weak password":                      {[]string{"--admin-password", "password1"}, 2, "--admin-password: the password is too easy to guess: it is a common password"},
		"password":                           {[]string{"--admin-password", "short"}, 2, "--admin-password: must have"},
		"no directory":                       {[]string{"--data="}, 2, "--data is empty"},
		"unknown flag":                       {[]string{"--fast"}, 2, "unknown flag --fast"},
		"argument":                           {[]string{"turo"}, 2, `unknown argument "turo"`},
		"tour of a URL":                      {[]string{"tour", "--addr", "http://127.0.0.1:1"}, 2, "--addr: must be host:port"},
		"listen without token":               {[]string{"listen"}, 2, "want one access token"},
		"tour without platform": {[]string{"tour", "--addr", "127.0.0.1:1", "--admin-email", "a@b.example", "--admin-password", "b"}, 1,
			"no platform at http://127.0.0.1:1"},
		"tour without admin": {[]string{"tour", "--data", filepath.Dir(file)}, 1, "--admin-email and --admin-password"},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, "", tt.args...)
			out, err := p.end(syscall.SIGCONT) // SIGCONT has no effect: end only waits for the program
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != tt.code {
				t.Fatalf("ended with %v, want exit code %d:\n%s", err, tt.code, out)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			last := lines[len(lines)-1]
			if !strings.HasPrefix(last, "loyalty-dev") || !strings.Contains(last, tt.want) {
				t.Errorf("printed\n%s\nwant a last line that starts with loyalty-dev and contains %q", out, tt.want)
			}
			for _, line := range lines[:len(lines)-1] {
				if !strings.Contains(line, " s  ") {
					t.Errorf("unexpected line %q", line)
				}
			}
		})
	}
}
