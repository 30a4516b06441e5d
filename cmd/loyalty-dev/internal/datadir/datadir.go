// Package datadir manages the data directory of loyalty-dev: databases, events, keys and the credentials of the first admin.
// Only one process at a time can use a directory.
//
// The layout:
//
//	layout         the version of this layout
//	lock           locked by the process that uses the directory
//	pid            the id of that process
//	postgres/      the PostgreSQL cluster
//	postgres-bin/  a downloaded PostgreSQL
//	kafka/, nats/  the data of the event bus
//	secrets/       keys, the internal token, the password of the servers, the admin's credentials; private to the owner
//	loyalty.env    the settings for the command loyalty
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

const (
	layoutVersion = "1"
	layoutFile    = "layout"
	lockFile      = "lock"
	pidFile       = "pid"
	secretsDir    = "secrets"

	// rootPath is the default directory for root. PostgreSQL runs as another user, which cannot enter root's home directory.
	rootPath = "/var/lib/loyalty-dev"
)

// Dir is a locked data directory. Its methods are not safe for concurrent use.
type Dir struct {
	path string
	lock *flock.Flock
}

// Default returns the default directory. For root it is /var/lib/loyalty-dev. For other users it is loyalty-dev in the cache
// directory of the user, on Linux ~/.cache/loyalty-dev.
func Default() (string, error) {
	if os.Geteuid() == 0 {
		return rootPath, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no default data directory: %w", err)
	}
	return filepath.Join(cache, "loyalty-dev"), nil
}

// Open locks the data directory at path. It creates the directory if it does not exist. It returns an error if another
// process has locked the directory, if the layout has another version, or if the directory contains files that are not from
// loyalty-dev. Close unlocks the directory.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	// Mode 0711: PostgreSQL may run as another user and must enter the directory. Private files have their own modes.
	if err := os.MkdirAll(path, 0o711); err != nil {
		return nil, unusable(path, err)
	}
	if err := checkLayout(path); err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: flock.New(filepath.Join(path, lockFile))}
	if err := d.acquire(); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// acquire locks the directory and creates its initial files.
func (d *Dir) acquire() error {
	locked, err := d.lock.TryLock()
	if err != nil {
		return unusable(d.path, err)
	}
	if !locked {
		return fmt.Errorf("data directory %s is in use by another loyalty-dev%s", d.path, d.owner())
	}
	if err := os.WriteFile(d.Path(pidFile), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return unusable(d.path, err)
	}
	if err := os.MkdirAll(d.Path(secretsDir), 0o700); err != nil {
		return unusable(d.path, err)
	}
	_, err = readOrMake(d.Path(layoutFile), func() ([]byte, error) { return []byte(layoutVersion + "\n"), nil })
	return err
}

// owner returns " (process ID)" for the process that holds the lock, or an empty string if the process is not known.
func (d *Dir) owner() string {
	b, err := os.ReadFile(d.Path(pidFile))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// checkLayout returns an error unless path is a data directory with the layout of this program, or can become one.
func checkLayout(path string) error {
	b, err := os.ReadFile(filepath.Join(path, layoutFile))
	switch {
	case err == nil:
		if v := strings.TrimSpace(string(b)); v != layoutVersion {
			return fmt.Errorf("data directory %s has layout %q, this program needs %q: choose another directory with --data",
				path, v, layoutVersion)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return unusable(path, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return unusable(path, err)
	}
	for _, e := range entries {
		// These files remain if the first start was killed before it wrote the layout file.
		expected := e.Name() == lockFile || e.Name() == pidFile || e.Name() == secretsDir
		if !expected && !strings.HasPrefix(e.Name(), "."+layoutFile) {
			return fmt.Errorf("directory %s is not empty and was not created by loyalty-dev: choose another directory with --data",
				path)
		}
	}
	return nil
}

// Path returns the absolute path of an entry of the directory, or of the directory itself.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close unlocks the directory.
func (d *Dir) Close() error {
	return d.lock.Close()
}

// unusable returns the error for a failed file operation on the data directory. Its message tells the user to choose another
// directory.
func unusable(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
		if pe.Path != path {
			err = fmt.Errorf("%s: %w", filepath.Base(pe.Path), err)
		}
	}
	return fmt.Errorf("data directory %s cannot be used: %w: choose another directory with --data", path, err)
}

// Write atomically replaces a file of the directory. Only the owner can read the file.
func (d *Dir) Write(name, content string) error { return writeFile(d.Path(name), []byte(content)) }

// writeFile atomically replaces a file that only the owner can read. After a crash the file has the old or the new content.
func writeFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
