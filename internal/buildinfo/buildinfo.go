// Package buildinfo describes the running program: its version, commit, Go version and schema version.
package buildinfo

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/casino-loyalty/loyalty/atlas"
)

// Path is the HTTP route that serves the build information.
const Path = "/version"

// Unknown is the value of a field that the build did not record, such as the commit of a program started by "go run".
const Unknown = "unknown"

// Info describes a build.
type Info struct {
	// Version is the release, or "(devel)".
	Version string `json:"version"`
	// Commit is the revision in version control. It ends with "-dirty" if there were uncommitted changes.
	Commit    string `json:"commit"`
	GoVersion string `json:"goVersion"`
	// SchemaVersion is the version of the newest database migration in the program.
	SchemaVersion string `json:"schemaVersion"`
}

// Read returns the information about the running program.
func Read() Info {
	info := Info{Version: Unknown, Commit: Unknown, GoVersion: runtime.Version(), SchemaVersion: schemaVersion()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	if build.Main.Version != "" {
		info.Version = build.Main.Version
	}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		info.Commit = revision
		if settings["vcs.modified"] == "true" {
			info.Commit += "-dirty"
		}
	}
	return info
}

// schemaVersion returns the version of the newest migration of all databases. A migration's version is its file name up to
// "_".
func schemaVersion() string {
	newest := Unknown
	for _, folder := range []fs.FS{atlas.Users, atlas.Promotions, atlas.Notifications} {
		files, err := fs.Glob(folder, "*.sql")
		if err != nil {
			continue
		}
		for _, file := range files {
			version, _, _ := strings.Cut(path.Base(file), "_")
			if newest == Unknown || version > newest {
				newest = version
			}
		}
	}
	return newest
}

// String returns the information as text, with one field per line.
func (i Info) String() string {
	return fmt.Sprintf("version  %s\ncommit   %s\nGo       %s\nschema   %s\n",
		i.Version, i.Commit, i.GoVersion, i.SchemaVersion)
}

// Handler returns a handler that serves the information as JSON.
func Handler() http.Handler {
	body, err := json.Marshal(Read())
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			http.Error(w, "the build information is not available", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}
