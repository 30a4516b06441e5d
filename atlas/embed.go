// Package atlas embeds the versioned migrations of every database. The migrations are SQL files, applied in the order of
// their names. atlas.sum holds their checksums. `make migrate-diff` adds a migration after a change of the schema.
// Constraints and triggers that the schema cannot express are written by hand.
package atlas

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed users promotions notifications
var files embed.FS

// Users, Promotions and Notifications hold the migrations of each database.
var (
	Users         fs.FS = folder("users")
	Promotions    fs.FS = folder("promotions")
	Notifications fs.FS = folder("notifications")
)

// folder is an embedded folder as a file system.
type folder string

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return files.Open(path.Join(string(f), name))
}
