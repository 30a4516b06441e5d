package embedded

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repository starts a server that imitates a Maven repository, and returns its URL. The server has the same jar for every
// platform.
func repository(t *testing.T) string {
	t.Helper()
	programs, err := os.ReadFile("testdata/postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	f, err := z.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(programs); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(jar.Bytes())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			w.Write([]byte(hex.EncodeToString(sum[:])))
			return
		}
		w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFetchPostgres(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "postgres-bin")
	// Files of an interrupted download, which fetchPostgres must remove.
	if err := os.MkdirAll(filepath.Join(dir+".new", "bin", "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fetchPostgres(t.Context(), dir, repository(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		// In the archive the programs have mode 0700, so another user could not run them.
		if info, err := os.Stat(filepath.Join(dir, "bin", name)); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v, want mode 0755", name, info, err)
		}
	}
	if left, err := filepath.Glob(dir + "*/download"); err != nil || len(left) != 0 {
		t.Errorf("the download was not removed: %v, %v", left, err)
	}
}

func TestFetchPostgresFails(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	defer silent.CloseClientConnections()
	stopped, stop := context.WithCancel(t.Context())
	stop()

	// The order matters: the library runs one download at a time, and the last download never ends.
	for _, tt := range []struct {
		name       string
		ctx        context.Context
		repository string
		want       string
	}{
		{"no network", t.Context(), closed.URL, "unable to connect to " + closed.URL},
		{"empty repository", t.Context(), empty.URL, "no version found"},
		{"interrupted", stopped, silent.URL, "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "postgres-bin")
			err := fetchPostgres(tt.ctx, dir, tt.repository)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, tt.want)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s exists after a failed download (%v)", dir, err)
			}
		})
	}
}
