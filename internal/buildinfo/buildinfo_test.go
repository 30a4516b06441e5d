package buildinfo_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
)

func TestRead(t *testing.T) {
	t.Parallel()
	info := buildinfo.Read()
	if info.Version == "" || info.Commit == "" {
		t.Errorf("empty fields in %+v", info)
	}
	if info.GoVersion != runtime.Version() {
		t.Errorf("Go version %q, want %q", info.GoVersion, runtime.Version())
	}
	if !regexp.MustCompile(`^\d{14}$`).MatchString(info.SchemaVersion) {
		t.Fatalf("schema version %q, want 14 digits", info.SchemaVersion)
	}
	for name, folder := range map[string]fs.FS{"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications} {
		files, err := fs.Glob(folder, "*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no migrations: %v", name, err)
		}
		for _, file := range files {
			if version, _, _ := strings.Cut(file, "_"); version > info.SchemaVersion {
				t.Errorf("%s: migration %s is newer than the schema version %s", name, file, info.SchemaVersion)
			}
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	buildinfo.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, buildinfo.Path, nil))
	var got buildinfo.Info
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != buildinfo.Read() {
		t.Errorf("got %s (%v), want %+v", w.Body, err, buildinfo.Read())
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q, want application/json", got)
	}
}
