//go:build linux

package pgserver

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMayEnter(t *testing.T) {
	server := &account{name: "postgres", uid: 100, gid: 200}
	for name, tt := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
		want     bool
	}{
		"everybody":                {0o755, 0, 0, true},
		"root only":                {0o700, 0, 0, false},
		"owner":                    {0o700, 100, 0, true},
		"group":                    {0o710, 0, 200, true},
		"others but not the group": {0o701, 0, 200, false},
		"read but not enter":       {0o744, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mayEnter(tt.mode, tt.uid, tt.gid, server); got != tt.want {
				t.Errorf("mayEnter(%v, %d, %d) = %t, want %t", tt.mode, tt.uid, tt.gid, got, tt.want)
			}
		})
	}
}

func TestCheckReachableNamesTheClosedDirectory(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	err := checkReachable(filepath.Join(closed, "data"), &account{name: "nobody", uid: 1 << 30, gid: 1 << 30})
	if err == nil || !strings.Contains(err.Error(), closed) || strings.Contains(err.Error(), "\n") {
		t.Errorf("checkReachable = %v, want one line that names %s", err, closed)
	}
}
