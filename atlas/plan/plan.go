// Package plan writes the migrations that bring the databases to the current schema.
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

// Database describes a database: its name and the tables that the schema defines for it.
type Database struct {
	// Name is the name of the database and of its folder in package atlas.
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

// Write plans a migration called name for each database whose migrations differ from the schema. It writes each migration to
// root/DATABASE and returns the paths of the new files. After an error it returns the files written so far. devURL is the
// URL of a database on a server where Write may create temporary databases.
func Write(ctx context.Context, devURL, root, name string, options migrate.DiffOptions) ([]string, error) {
	var written []string
	for _, d := range Databases() {
		folder := filepath.Join(root, d.Name)
		file, err := migrate.Diff(ctx, devURL, folder, name, d.Tables, options)
		if err != nil {
			return written, fmt.Errorf("database %s: %w", d.Name, err)
		}
		if file != "" {
			written = append(written, filepath.Join(folder, file))
		}
	}
	return written, nil
}
