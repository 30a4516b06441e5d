package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotInstalled is returned if no PostgreSQL server is installed.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: install version 15 or later (Debian, Ubuntu: " +
	"apt-get install postgresql; macOS: brew install postgresql@18) or put initdb and postgres on the PATH")

// MinVersion is the oldest supported major version.
const MinVersion = 15

// Installation locates the programs of a PostgreSQL server.
type Installation struct {
	// BinDir is the directory of initdb and postgres.
	BinDir string
	// Version is the major version, for example 17.
	Version int
}

// Find returns the installation on the PATH, or the newest installation in the usual directories. It returns
// ErrNotInstalled if there is none of MinVersion or later.
func Find() (Installation, error) {
	found := FindAll()
	if len(found) == 0 {
		return Installation{}, ErrNotInstalled
	}
	return found[0], nil
}

// FindAll returns the installations of MinVersion or later: first the one on the PATH, then the others, newest first.
func FindAll() []Installation {
	var found []Installation
	seen := map[string]bool{}
	add := func(dir string) {
		if target, err := filepath.EvalSymlinks(dir); err == nil {
			dir = target
		}
		if seen[dir] {
			return
		}
		seen[dir] = true
		if in, err := inspect(dir); err == nil && in.Version >= MinVersion {
			found = append(found, in)
		}
	}
	for _, name := range []string{"postgres", "initdb"} {
		if path, err := exec.LookPath(name); err == nil {
			if target, err := filepath.EvalSymlinks(path); err == nil {
				path = target
			}
			add(filepath.Dir(path))
		}
	}
	onPath := len(found)
	for _, pattern := range usualPlaces() {
		dirs, _ := filepath.Glob(pattern) // fails only for malformed patterns
		for _, dir := range dirs {
			add(dir)
		}
	}
	slices.SortStableFunc(found[onPath:], func(a, b Installation) int { return b.Version - a.Version })
	return found
}

// usualPlaces returns patterns of the directories that packages install the programs in.
func usualPlaces() []string {
	if runtime.GOOS == "windows" {
		return []string{filepath.Join(os.Getenv("ProgramFiles"), "PostgreSQL", "*", "bin")}
	}
	return []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PGDG on Red Hat
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on ARM
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
		"/usr/libexec/postgresql*",                           // Alpine
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/Library/PostgreSQL/*/bin",                          // EDB's installer
		"/usr/lib64/pgsql/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin",
	}
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect runs postgres in dir to find its version. It returns an error for a directory without initdb: the
// postgres in such a directory may be a wrapper script.
func inspect(dir string) (Installation, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return Installation{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Installation{}, fmt.Errorf("find the PostgreSQL version in %s: %w", dir, err)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return Installation{}, fmt.Errorf("postgres in %s reports the version %q", dir, strings.TrimSpace(string(out)))
	}
	version, err := strconv.Atoi(string(m[1]))
	return Installation{BinDir: dir, Version: version}, err
}

// choose returns the first installation of the version dataVersion. If there is no data (dataVersion 0), it returns the
// first installation. It returns a VersionError if no installation has the version.
func choose(o Options, dataDir string, dataVersion int) (Installation, error) {
	candidates, err := o.installations()
	if err != nil {
		return Installation{}, err
	}
	if len(candidates) == 0 {
		return Installation{}, ErrNotInstalled
	}
	if dataVersion == 0 {
		return candidates[0], nil
	}
	for _, in := range candidates {
		if in.Version == dataVersion {
			return in, nil
		}
	}
	return Installation{}, &VersionError{DataDir: dataDir, Data: dataVersion, Server: candidates[0].Version}
}

// installations returns the installations to choose from, the preferred one first.
func (o Options) installations() ([]Installation, error) {
	if o.BinDir != "" {
		in, err := inspect(o.BinDir)
		if err != nil {
			return nil, fmt.Errorf("no PostgreSQL server in %s: %w", o.BinDir, err)
		}
		return []Installation{in}, nil
	}
	found := FindAll()
	if in, err := inspect(o.MoreBinDir); o.MoreBinDir != "" && err == nil {
		found = append(found, in)
	}
	return found, nil
}
