// Package atlas carries the versioned migrations of every database: SQL files that apply in the order of their names,
// and atlas.sum, which makes a later change of one of them noticeable. `make migrate-diff` adds one from the schema;
// what the schema cannot say is written by hand beside it.
package atlas

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed users promotions notifications
var files embed.FS

// The migrations of each database.
var (
	Users         fs.FS = folder("users")
	Promotions    fs.FS = folder("promotions")
	Notifications fs.FS = folder("notifications")
)

// folder is one of the embedded folders as a file system of its own.
type folder string

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return files.Open(path.Join(string(f), name))
}
