package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
)

// Status is the difference between a folder of migrations and a database. Applied, Pending, Modified and Late contain file
// names. Current, Unknown and Newer contain versions.
type Status struct {
	// Current is the newest applied version, empty if there is none.
	Current string
	// Applied and Pending are the applied and the pending files, in order.
	Applied, Pending []string
	// Modified are the applied files that do not match their recorded hash: the file, or a file before it, has changed.
	Modified []string
	// Late are the pending files with a version below Current.
	Late []string
	// Unknown and Newer are the applied versions without a file. Unknown versions are older than the newest file; Newer
	// versions are newer.
	Unknown, Newer []string
}

// Err returns an error if any migration is unknown, late or modified. Pending and newer migrations are not errors.
func (s Status) Err() error {
	switch {
	case len(s.Unknown) > 0:
		return fmt.Errorf("the database has unknown migrations (%s): does it belong to another service?",
			strings.Join(s.Unknown, ", "))
	case len(s.Late) > 0:
		return fmt.Errorf("migrations were added before the applied version %s: %s", s.Current, strings.Join(s.Late, ", "))
	case len(s.Modified) > 0:
		return fmt.Errorf("applied migrations have changed since, or the database belongs to another service: %s",
			strings.Join(s.Modified, ", "))
	}
	return nil
}

// StatusOf compares folder with the database at url and changes nothing. It returns an error if the folder does not match
// its atlas.sum.
func StatusOf(ctx context.Context, url string, folder fs.FS) (Status, error) {
	files, err := read(dir{folder})
	if err != nil {
		return Status{}, err
	}
	var status Status
	err = withConn(ctx, url, func(conn *sql.Conn) error {
		revisions, err := readRevisions(ctx, conn)
		if err != nil {
			return err
		}
		status, _ = compare(files, revisions)
		return nil
	})
	return status, err
}

func compare(files []file, revisions []revision) (s Status, pending []file) {
	applied := make(map[string]revision, len(revisions))
	for _, r := range revisions {
		applied[r.version] = r
		s.Current = r.version
	}
	known := make(map[string]bool, len(files))
	newest := ""
	for _, f := range files {
		known[f.Version()], newest = true, f.Version()
		switch r, ok := applied[f.Version()]; {
		case !ok:
			pending = append(pending, f)
			s.Pending = append(s.Pending, f.Name())
			if f.Version() < s.Current {
				s.Late = append(s.Late, f.Name())
			}
			continue
		case r.hash != f.hash:
			s.Modified = append(s.Modified, f.Name())
		}
		s.Applied = append(s.Applied, f.Name())
	}
	for _, r := range revisions {
		switch {
		case known[r.version]:
		case r.version < newest:
			s.Unknown = append(s.Unknown, r.version)
		default:
			s.Newer = append(s.Newer, r.version)
		}
	}
	return s, pending
}
