package datadir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
)

func open(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestSecretsSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data")
	d := open(t, path)
	key, err := d.TokenKey()
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.InternalToken()
	if err != nil || len(token) < 20 {
		t.Fatalf("internal token %q, %v", token, err)
	}
	ledgerKey, err := d.LedgerKey()
	if err != nil || len(ledgerKey) < 40 {
		t.Fatalf("ledger key of %d characters, %v", len(ledgerKey), err)
	}
	d.Close()

	d = open(t, path)
	if again, err := d.LedgerKey(); err != nil || again != ledgerKey {
		t.Errorf("LedgerKey of the second start: %v, want the key of the first start", err)
	}
	if again, err := d.TokenKey(); err != nil || !again.Equal(key) {
		t.Errorf("TokenKey of the second start: %v, want the key of the first start", err)
	}
	if again, err := d.InternalToken(); err != nil || again != token {
		t.Errorf("InternalToken of the second start: %q, %v, want %q", again, err, token)
	}
	files, err := os.ReadDir(d.Path("secrets"))
	if err != nil || len(files) != 3 {
		t.Fatalf("secrets: %v, %v, want three files", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v, want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func TestAdminDefaultsToStoredCredentials(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if _, err := datadir.ReadAdmin(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first start: %v, want fs.ErrNotExist", err)
	}
	made, err := d.CompleteAdmin(datadir.Admin{})
	if err != nil || made.Email != datadir.DefaultAdminEmail || len(made.Password) < 20 {
		t.Fatalf("first start: %+v, %v, want %s and a random password", made, err, datadir.DefaultAdminEmail)
	}
	if _, err := datadir.ReadAdmin(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before KeepAdmin: %v, want fs.ErrNotExist", err)
	}
	if err := d.KeepAdmin(made); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name        string
		given, want datadir.Admin
	}{
		{"nothing given", datadir.Admin{}, made},
		{"a password given", datadir.Admin{Password: "secret-12"}, datadir.Admin{Email: made.Email, Password: "secret-12"}},
		{"an e-mail given", datadir.Admin{Email: "b@c.example"}, datadir.Admin{Email: "b@c.example", Password: "secret-12"}},
		{"nothing given again", datadir.Admin{}, datadir.Admin{Email: "b@c.example", Password: "secret-12"}},
	}
	for _, s := range steps {
		got, err := d.CompleteAdmin(s.given)
		if err != nil || got != s.want {
			t.Errorf("%s: %+v, %v, want %+v", s.name, got, err, s.want)
		}
		if err := d.KeepAdmin(got); err != nil {
			t.Error(err)
		}
		if got, err := datadir.ReadAdmin(path); err != nil || got != s.want {
			t.Errorf("%s: read %+v, %v, want %+v", s.name, got, err, s.want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	write := func(t *testing.T, path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"directory in use": {func(t *testing.T, path string) { open(t, path) }, "is in use by another loyalty-dev (process "},
		"foreign directory": {func(t *testing.T, path string) { write(t, filepath.Join(path, "thesis.txt"), "x") },
			"is not empty and was not created by loyalty-dev"},
		"other layout": {func(t *testing.T, path string) { write(t, filepath.Join(path, "layout"), "99\n") },
			`has layout "99", this program needs "1"`},
		"file": {func(t *testing.T, path string) { os.Remove(path); write(t, path, "x") },
			"cannot be used: not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			tt.prepare(t, path)
			d, err := datadir.Open(path)
			if err == nil {
				d.Close()
				t.Fatalf("Open succeeded, want an error with %q", tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q, want one line with %q", err, tt.want)
			}
		})
	}
}

func TestOpenAfterAnInterruptedFirstStart(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"lock", "pid", ".layout-123"} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path)
}

func TestDamagedSecretIsNotReplaced(t *testing.T) {
	d := open(t, t.TempDir())
	path := d.Path("secrets", "token-key.pem")
	if err := os.WriteFile(path, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.TokenKey(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}
