package migrate

import (
	"errors"
	"fmt"
	"io/fs"

	"ariga.io/atlas/sql/migrate"
)

// dir adapts an embedded folder of migrations to the interface of an Atlas directory.
type dir struct{ fs.FS }

var _ migrate.Dir = dir{}

// Files returns the migrations in the order in which they apply.
func (d dir) Files() ([]migrate.File, error) {
	names, err := fs.Glob(d, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	files := make([]migrate.File, len(names))
	for i, name := range names {
		b, err := fs.ReadFile(d, name)
		if err != nil {
			return nil, err
		}
		files[i] = migrate.NewLocalFile(name, b)
	}
	return files, nil
}

// Checksum returns the expected content of atlas.sum.
func (d dir) Checksum() (migrate.HashFile, error) {
	files, err := d.Files()
	if err != nil {
		return nil, err
	}
	return migrate.NewHashFile(files)
}

// WriteFile returns an error, because the folder is embedded in the program.
func (d dir) WriteFile(name string, _ []byte) error {
	return &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
}

// file is a migration with its hash in atlas.sum. The hash also covers all files before it.
type file struct {
	migrate.File
	hash string
}

// read returns the migrations of d. It returns an error if they do not match atlas.sum.
func read(d migrate.Dir) ([]file, error) {
	if err := migrate.Validate(d); err != nil {
		if mismatch, ok := errors.AsType[*migrate.ChecksumError](err); ok {
			return nil, fmt.Errorf("migrations do not match atlas.sum: %s was %s", mismatch.File, mismatch.Reason)
		}
		return nil, fmt.Errorf("migrations: atlas.sum: %w", err)
	}
	all, err := d.Files()
	if err != nil {
		return nil, err
	}
	sums, err := d.Checksum()
	if err != nil {
		return nil, err
	}
	files := make([]file, len(all))
	for i, f := range all {
		hash, err := sums.SumByName(f.Name())
		if err != nil {
			return nil, fmt.Errorf("migration %s: atlas.sum: %w", f.Name(), err)
		}
		files[i] = file{f, hash}
	}
	return files, nil
}
