package pgserver

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// VersionError is the error of Start if another major version of PostgreSQL wrote the data.
type VersionError struct {
	DataDir      string
	Data, Server int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data in %s was written by PostgreSQL %d, but version %d is installed: install version %d, "+
		"upgrade the data with pg_upgrade, or remove the directory", e.DataDir, e.Data, e.Server, e.Data)
}

// InUseError is the error of Start if another process uses the data directory.
type InUseError struct {
	DataDir string
	PID     int // process id of the server, 0 if unknown
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return e.DataDir + " is used by another process"
	}
	return fmt.Sprintf("a PostgreSQL server (process %d) already uses %s", e.PID, e.DataDir)
}

// dir is the data directory: cluster/, password, postgres.log, and a lock that one process holds.
type dir struct {
	root    string
	account *account
	lock    *flock.Flock
}

func (d *dir) cluster() string      { return filepath.Join(d.root, "cluster") }
func (d *dir) passwordPath() string { return filepath.Join(d.root, "password") }
func (d *dir) logPath() string      { return filepath.Join(d.root, "postgres.log") }

// openDir creates the data directory if it does not exist, makes the server's account its owner, and locks it. It
// returns an InUseError if another process holds the lock.
func openDir(path string) (*dir, error) {
	if path == "" {
		return nil, errors.New("PostgreSQL data directory is not set")
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	a, err := serverAccount()
	if err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o700)
	if a != nil {
		mode = 0o755 // the server's account must be able to enter the parent directories
	}
	if err := os.MkdirAll(filepath.Dir(root), mode); err != nil {
		return nil, err
	}
	if err := checkReachable(root, a); err != nil {
		return nil, err
	}
	if err := os.Mkdir(root, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := chown(root, a); err != nil {
		return nil, err
	}
	d := &dir{root: root, account: a, lock: flock.New(filepath.Join(root, "lock"))}
	locked, err := d.lock.TryLock()
	if err == nil && !locked {
		err = &InUseError{DataDir: root, PID: d.postmaster()}
	}
	if err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// version returns the major version that wrote the cluster, or 0 if there is no cluster.
func (d *dir) version() (int, error) {
	b, err := os.ReadFile(filepath.Join(d.cluster(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION is damaged: %w", d.cluster(), err)
	}
	return v, nil
}

// postmaster returns the process id in postmaster.pid, or 0 if the file is missing or has no valid id.
func (d *dir) postmaster() int {
	f, err := os.Open(filepath.Join(d.cluster(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// waitUnused waits until a server that a killed process left behind has shut down. It returns an InUseError if the
// server still runs after ten seconds. If no server runs, it removes postmaster.pid: the id in the file may belong to
// another process by now, and PostgreSQL would then refuse to start.
func (d *dir) waitUnused(ctx context.Context) error {
	policy := backoff.Policy{Initial: 20 * time.Millisecond, Timeout: 10 * time.Second}
	return backoff.Retry(ctx, policy, func(context.Context) error {
		pid := d.postmaster()
		switch {
		case pid == 0:
			return nil
		case runsIn(pid, d.cluster()):
			return &InUseError{DataDir: d.root, PID: pid}
		}
		err := os.Remove(filepath.Join(d.cluster(), "postmaster.pid"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return backoff.Permanent(err)
	})
}

// initialize creates the cluster in a temporary directory, which it renames at the end. A crash therefore leaves no
// partial cluster.
func (d *dir) initialize(ctx context.Context, in Installation, sync bool) error {
	if err := d.writePassword(); err != nil {
		return err
	}
	draft := d.cluster() + ".new"
	var failed error
	for _, locale := range locales(in.Version) {
		if err := os.RemoveAll(draft); err != nil {
			return err
		}
		args := append([]string{
			"-D", draft, "-U", User, "--pwfile=" + d.passwordPath(), "--auth=scram-sha-256", "--encoding=UTF8",
			"--no-instructions",
		}, locale...)
		if !sync {
			args = append(args, "--no-sync")
		}
		failed = d.initdb(ctx, in, args)
		if failed == nil {
			return os.Rename(draft, d.cluster())
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// locales returns sets of initdb options, the preferred set first. With each set, text sorts by code point. The first
// set also supports upper and lower case for all of Unicode.
func locales(version int) [][]string {
	plain := []string{"--no-locale"}
	if version >= 17 {
		return [][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}, plain}
	}
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "UTF-8"
	}
	return [][]string{{"--locale=C", "--lc-ctype=" + ctype}, plain}
}

func (d *dir) initdb(ctx context.Context, in Installation, args []string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(in.BinDir, "initdb"), args...)
	cmd.Dir, cmd.Env = d.root, environment()
	attach(cmd, d.account, syscall.SIGTERM)
	// The thread has to outlive the child; see Server.launch.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("create the PostgreSQL database: %w: %s", err, failureReason(string(out)))
	}
	return nil
}

func (d *dir) writePassword() error {
	f, err := os.OpenFile(d.passwordPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(rand.Text() + "\n")
	return errors.Join(err, f.Close(), chown(d.passwordPath(), d.account))
}

func (d *dir) password() (string, error) {
	b, err := os.ReadFile(d.passwordPath())
	if err != nil {
		return "", fmt.Errorf("read the password of the PostgreSQL server: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// createLog creates the server's log file. The server writes to the file itself, so no goroutine has to copy its output.
func (d *dir) createLog() (*os.File, error) {
	f, err := os.OpenFile(d.logPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := chown(d.logPath(), d.account); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// failureReason returns the line of a program's output that explains its failure. This is the first line with an error
// mark, or else the last line.
func failureReason(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for _, line := range lines {
		for _, mark := range []string{"FATAL:", "error:"} {
			if _, reason, ok := strings.Cut(line, mark); ok {
				return strings.TrimSpace(reason)
			}
		}
	}
	return lines[len(lines)-1]
}
