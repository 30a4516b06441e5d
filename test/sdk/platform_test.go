// Package sdk_test plays the SDKs against a running platform.
package sdk_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// timeout is the time after which a test gives up waiting. It is long because the machine may be loaded.
const timeout = 2 * time.Minute

const (
	adminEmail    = "admin@example.com"
	adminPassword = "admin of the tests"
)

// program is loyalty-dev. It is built once.
var program struct {
	once   sync.Once
	folder string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program.folder != "" {
		os.RemoveAll(program.folder)
	}
	os.Exit(code)
}

// build returns the path of loyalty-dev.
func build(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		if program.folder, program.err = os.MkdirTemp("", "loyalty-sdk-"); program.err != nil {
			return
		}
		path := filepath.Join(program.folder, "loyalty-dev")
		if out, err := exec.Command("go", "build", "-C", "../..", "-o", path, "./cmd/loyalty-dev").CombinedOutput(); err != nil {
			program.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return filepath.Join(program.folder, "loyalty-dev")
}

// platform is loyalty-dev on a data directory.
type platform struct {
	t          *testing.T
	addr, data string
	cmd        *exec.Cmd
	output     *bytes.Buffer
}

// startPlatform starts loyalty-dev. It is killed when the test ends.
func startPlatform(t *testing.T) *platform {
	t.Helper()
	// PostgreSQL runs as another user, who must be able to enter the directory.
	data, err := os.MkdirTemp("", "loyalty-sdk-data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &platform{t: t, addr: freeAddress(t), data: data}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of loyalty-dev:\n%s", p.output)
		}
		os.RemoveAll(data)
	})
	return p
}

func (p *platform) url() string { return "http://" + p.addr }

// start starts loyalty-dev and waits until it is healthy.
func (p *platform) start() {
	p.t.Helper()
	path := build(p.t)
	p.output = &bytes.Buffer{}
	p.cmd = exec.Command(path, "--addr", p.addr, "--data", p.data, "--admin-email", adminEmail, "--admin-password", adminPassword)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the platform is healthy", func() error {
		ctx, cancel := context.WithTimeout(p.t.Context(), timeout)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url()+"/health", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	})
}

// kill kills loyalty-dev and its PostgreSQL.
func (p *platform) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait() // "signal: killed"
}

// eventually repeats check until it returns nil.
func eventually(t *testing.T, condition string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("timeout while waiting until %s: %v", condition, err)
		}
		<-pause.C
	}
}
