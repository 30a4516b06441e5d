// Package plan writes the migrations that lead from what the existing ones create to what the schema asks for now.
package plan

import (
	"context"
	"fmt"
	"path/filepath"

	"entgo.io/ent/dialect/sql/schema"

	notifications "github.com/casino-loyalty/loyalty/ent/notifications/migrate"
	promotions "github.com/casino-loyalty/loyalty/ent/promotions/migrate"
	users "github.com/casino-loyalty/loyalty/ent/users/migrate"
	"github.com/casino-loyalty/loyalty/internal/migrate"
)

// Database is a database and the tables that the schema describes for it.
type Database struct {
	// Name is also that of its folder beside this package.
	Name   string
	Tables []*schema.Table
}

// Databases returns every database.
func Databases() []Database {
	return []Database{
		{Name: "users", Tables: users.Tables},
		{Name: "promotions", Tables: promotions.Tables},
		{Name: "notifications", Tables: notifications.Tables},
	}
}

// Write plans a migration called name for each database whose tables are not as the schema describes them, and writes
// it to the database's folder in root. It returns the paths of the new files, none where nothing is to be done. devURL
// names a database of a server on which it may create databases for the duration.
func Write(ctx context.Context, devURL, root, name string) ([]string, error) {
	var written []string
	for _, d := range Databases() {
		folder := filepath.Join(root, d.Name)
		file, err := migrate.Diff(ctx, devURL, folder, name, d.Tables)
		if err != nil {
			return written, fmt.Errorf("database %s: %w", d.Name, err)
		}
		if file != "" {
			written = append(written, filepath.Join(folder, file))
		}
	}
	return written, nil
}
