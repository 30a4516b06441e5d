package e2e_test

import (
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

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// programs are the two commands. They are built once, with the race detector if the tests use it.
var programs struct {
	once         sync.Once
	folder       string
	loyalty, dev string
	err          error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programs.folder != "" {
		os.RemoveAll(programs.folder)
	}
	os.Exit(code)
}

// build builds the programs, unless they are built already.
func build(t *testing.T) {
	t.Helper()
	programs.once.Do(func() {
		programs.folder, programs.err = os.MkdirTemp("", "loyalty-e2e-")
		if programs.err != nil {
			return
		}
		args := []string{"build", "-o", programs.folder + string(filepath.Separator)}
		if raceEnabled {
			args = append(args, "-race")
		}
		args = append(args, "../../cmd/loyalty", "../../cmd/loyalty-dev")
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			programs.err = fmt.Errorf("%w\n%s", err, out)
		}
		programs.loyalty = filepath.Join(programs.folder, "loyalty")
		programs.dev = filepath.Join(programs.folder, "loyalty-dev")
	})
	if programs.err != nil {
		t.Fatal(programs.err)
	}
}

// platform is a running platform.
type platform struct {
	url      string
	grpcURL  string // the URL for unencrypted HTTP/2, if it differs from url
	settings string // the settings file for the command-line tools
	tokenKey string // the file of the key that signs access tokens
}

const (
	adminEmail    = "admin@example.com"
	adminPassword = "admin of the tests"
)

// admin returns the admin, logged in.
func (p platform) admin(t *testing.T) client {
	t.Helper()
	return client{t: t, url: p.url, email: adminEmail}.login(adminPassword)
}

// verify waits until `loyalty verify` finds no violations.
func (p platform) verify(t *testing.T) {
	t.Helper()
	eventually(t, "loyalty verify finds no violations", func() error {
		out, err := exec.Command(programs.loyalty, "verify", "--settings", p.settings, "--delay", "0s").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}

// dev is a running loyalty-dev.
type dev struct {
	platform
	*testproc.Process
}

// startDev starts loyalty-dev on an empty data directory. It stops when the test ends.
func startDev(t *testing.T, bus string, args ...string) platform {
	t.Helper()
	d := runDev(t, dataDir(t), bus, args...)
	t.Cleanup(func() { d.stop(t) })
	return d.platform
}

// dataDir returns an empty directory that the user account of PostgreSQL can enter.
func dataDir(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "loyalty-e2e-data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// runDev starts loyalty-dev on a data directory and waits until it is ready.
func runDev(t *testing.T, data, bus string, args ...string) *dev {
	t.Helper()
	build(t)
	addr := testproc.FreeAddress(t)
	d := &dev{
		platform: platform{
			url: "http://" + addr, settings: filepath.Join(data, "loyalty.env"),
			tokenKey: filepath.Join(data, "secrets", "token-key.pem"),
		},
	}
	d.Process = testproc.Start(t, exec.Command(programs.dev, append([]string{
		"--addr", addr, "--data", data, "--bus", bus, "--admin-email", adminEmail, "--admin-password", adminPassword,
	}, args...)...), syscall.SIGKILL)
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("output of loyalty-dev:\n%s", d.Output())
		}
	})
	if !d.Ready(t, func(context.Context) error { return healthy(d.url) }) {
		t.FailNow()
	}
	return d
}

// healthy returns an error if /health does not return 200.
func healthy(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/health: status %s", response.Status)
	}
	return nil
}

// stop sends SIGINT to loyalty-dev and waits until it has exited without an error.
func (d *dev) stop(t *testing.T) {
	t.Helper()
	if err := d.Stop(syscall.SIGINT); err != nil {
		t.Errorf("loyalty-dev: %v:\n%s", err, d.Output())
	}
}
