package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
)

// Status compares a folder of migrations with a database. Files are given by name, revisions without a file by version.
type Status struct {
	// Current is the newest applied version, empty for a database without any.
	Current string
	// Applied and Pending are files, in their order.
	Applied, Pending []string
	// Modified are applied files that differ from what was applied, or that have others before them now.
	Modified []string
	// Late are pending files with a version below Current.
	Late []string
	// Unknown are applied versions that have no file and are older than the newest file; Newer those after it.
	Unknown, Newer []string
}

// check returns an error if the folder is not a continuation of what was applied.
func (s Status) check() error {
	switch {
	case len(s.Unknown) > 0:
		return fmt.Errorf("the database has migrations that this folder lacks (%s): is it another service's database?",
			strings.Join(s.Unknown, ", "))
	case len(s.Late) > 0:
		return fmt.Errorf("migrations were added before %s, which is applied: %s", s.Current, strings.Join(s.Late, ", "))
	case len(s.Modified) > 0:
		return fmt.Errorf("migrations were changed after they had been applied, or the database is another service's: %s",
			strings.Join(s.Modified, ", "))
	}
	return nil
}

// StatusOf compares folder with the database at url and changes nothing. A folder that does not match its atlas.sum is
// an error.
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
