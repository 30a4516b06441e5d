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
)

// VersionError says that data was written by another major version of PostgreSQL than the one to be run.
type VersionError struct {
	DataDir      string
	Data, Server int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data in %s belongs to PostgreSQL %d, but version %d is to run: install version %d, or move "+
		"the data over with pg_upgrade, or remove the directory to start afresh", e.DataDir, e.Data, e.Server, e.Data)
}

// InUseError says that another process runs a server on the directory.
type InUseError struct {
	DataDir string
	PID     int // of the server, 0 where it is not known
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return e.DataDir + " is used by another process"
	}
	return fmt.Sprintf("a PostgreSQL server (process %d) runs on %s already", e.PID, e.DataDir)
}

// dir is the server's directory: cluster/, password, postgres.log, and a lock that one process at a time holds.
type dir struct {
	root    string
	account *account
	lock    *flock.Flock
}

func (d *dir) cluster() string      { return filepath.Join(d.root, "cluster") }
func (d *dir) passwordPath() string { return filepath.Join(d.root, "password") }
func (d *dir) logPath() string      { return filepath.Join(d.root, "postgres.log") }

// openDir creates the directory if need be, for the server's account, and takes its lock.
func openDir(path string) (*dir, error) {
	if path == "" {
		return nil, errors.New("PostgreSQL needs a data directory")
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
		mode = 0o755 // the server's account has to pass
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
	if err := own(root, a); err != nil {
		return nil, err
	}
	d := &dir{root: root, account: a, lock: flock.New(filepath.Join(root, "lock"))}
	free, err := d.lock.TryLock()
	if err == nil && !free {
		err = &InUseError{DataDir: root, PID: d.postmaster()}
	}
	if err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// version is the major version that wrote the cluster, 0 if there is none yet.
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

// postmaster is the id of the process that postmaster.pid names, 0 if none.
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

// waitUnused waits for a server that a killed process left behind to finish its shutdown, and removes a pid file whose
// server is gone: its number may belong to a stranger by now, which PostgreSQL would take for a live server.
func (d *dir) waitUnused(ctx context.Context) error {
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		pid := d.postmaster()
		if pid == 0 {
			return nil
		}
		if !runsIn(pid, d.cluster()) {
			err := os.Remove(filepath.Join(d.cluster(), "postmaster.pid"))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return &InUseError{DataDir: d.root, PID: pid}
		case <-ctx.Done():
			return &InUseError{DataDir: d.root, PID: pid}
		}
	}
}

// initialise creates the cluster beside its place and moves it there when it is whole, so that a crash leaves no half.
func (d *dir) initialise(ctx context.Context, in Installation, sync bool) error {
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

// locales are initdb's options for text that sorts by code point and folds the case of all of Unicode, the best first.
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
	// See Server.launch: the thread must outlive the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("create the PostgreSQL database: %w: %s", err, gist(string(out)))
	}
	return nil
}

func (d *dir) writePassword() error {
	f, err := os.OpenFile(d.passwordPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(rand.Text() + "\n")
	return errors.Join(err, f.Close(), own(d.passwordPath(), d.account))
}

func (d *dir) password() (string, error) {
	b, err := os.ReadFile(d.passwordPath())
	if err != nil {
		return "", fmt.Errorf("password of the PostgreSQL server: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// createLog returns the file that the server writes to: its own descriptor, so that the server needs nobody to read it.
func (d *dir) createLog() (*os.File, error) {
	f, err := os.OpenFile(d.logPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := own(d.logPath(), d.account); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// gist is the line of a program's output that says why it failed: what PostgreSQL marks as fatal, else the last one.
func gist(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for _, line := range lines {
		for _, mark := range []string{"FATAL:", "error:"} {
			if _, said, ok := strings.Cut(line, mark); ok {
				return strings.TrimSpace(said)
			}
		}
	}
	return lines[len(lines)-1]
}
