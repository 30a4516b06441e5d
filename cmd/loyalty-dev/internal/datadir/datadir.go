// Package datadir is the directory in which loyalty-dev keeps everything that outlives it: the databases, the bus, the
// keys and the first admin's credentials. One program at a time owns a directory.
//
// Its layout:
//
//	layout         the version of this layout
//	lock           locked by the program that uses the directory
//	pid            the process id of that program
//	postgres/      the PostgreSQL cluster
//	postgres-bin/  PostgreSQL's programs, where they had to be fetched
//	kafka/, nats/  what the bus stored
//	secrets/       the token key, the internal token, the admin's credentials; for the owner only
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

	// rootPath is root's default: PostgreSQL refuses to run as root, and the user that it then runs as cannot reach into
	// root's home.
	rootPath = "/var/lib/loyalty-dev"
)

// Dir is a locked data directory. Its methods are not safe for concurrent use.
type Dir struct {
	path string
	lock *flock.Flock
}

// Default is the directory used where none is named: /var/lib/loyalty-dev for root, else loyalty-dev in the user's cache
// directory (on Linux ~/.cache/loyalty-dev).
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

// Open locks the data directory at path, and makes it if it is missing. It refuses a directory that another program has
// locked, one of another layout, and one that holds other things than a data directory does. Close gives it back.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	// Others may pass through, but not look: PostgreSQL may have to run as another user. What is inside guards itself.
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

// acquire takes the lock, then writes what a new directory needs.
func (d *Dir) acquire() error {
	free, err := d.lock.TryLock()
	if err != nil {
		return unusable(d.path, err)
	}
	if !free {
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

// owner says which process holds the lock, as far as can be read.
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

// checkLayout reports whether path is, or can become, a data directory of this program's layout.
func checkLayout(path string) error {
	b, err := os.ReadFile(filepath.Join(path, layoutFile))
	switch {
	case err == nil:
		if v := strings.TrimSpace(string(b)); v != layoutVersion {
			return fmt.Errorf("data directory %s has layout %q, this program knows %q: name another with --data",
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
		// What a first start leaves behind that was killed before it wrote the layout.
		if e.Name() != lockFile && e.Name() != pidFile && e.Name() != secretsDir && !strings.HasPrefix(e.Name(), "."+layoutFile) {
			return fmt.Errorf("directory %s is not empty and was not made by loyalty-dev: name another with --data", path)
		}
	}
	return nil
}

// Path is the absolute path of the named part of the directory; without a name, of the directory itself.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close unlocks the directory.
func (d *Dir) Close() error {
	return d.lock.Close()
}

// unusable is the one line for a directory that the system does not let us use.
func unusable(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
		if pe.Path != path {
			err = fmt.Errorf("%s: %w", filepath.Base(pe.Path), err)
		}
	}
	return fmt.Errorf("data directory %s cannot be used: %w: name another with --data", path, err)
}

// Write replaces a private file of the directory as a whole.
func (d *Dir) Write(name, content string) error { return writeFile(d.Path(name), []byte(content)) }

// writeFile replaces a private file as a whole: a reader, or a start after a crash, finds the old or the new content.
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
