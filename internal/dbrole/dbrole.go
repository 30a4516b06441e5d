// Package dbrole grants the database role of a service what the service does, and no more. The role owns nothing, so neither
// a fault of the service nor a stolen password of it can change the rules of the database.
//
// The schema declares the privileges on each table, with the option (loyalty.options.v1.entity).privileges. `loyalty migrate
// up` grants them as the owner of the tables, and `loyalty check` compares them with the actual ones.
package dbrole

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Table is what a role may do with the rows of a table, besides SELECT.
type Table struct {
	Insert, Delete bool
	// Update lists the columns that the role may change.
	Update []string
}

// Privileges are the privileges of a role, by table.
type Privileges map[string]Table

// Role is the database role of a service.
type Role struct {
	// Name is the name of the role. If it is empty, nothing is granted.
	Name string
	// Privileges are what the role may do in the database.
	Privileges Privileges
}

// revisions is the table of applied migrations. Each service reads it, to know whether its migrations are applied.
const revisions = "atlas_schema_revisions"

// all returns the privileges including SELECT on the applied migrations.
func (p Privileges) all() Privileges {
	all := maps.Clone(p)
	if all == nil {
		all = Privileges{}
	}
	all[revisions] = Table{}
	return all
}

// DB is a database connection, pool or transaction.
type DB interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Grant grants the role its privileges on the tables and columns that exist, and revokes its other privileges in the schema
// public. It also revokes the privileges of PUBLIC that let every role connect, or create tables, temporary tables or
// triggers: EXECUTE on functions, CREATE on the schema, CONNECT and TEMPORARY on the database. With keep, it revokes nothing
// from the role, because a newer release may have granted more.
//
// The current role must own the tables, the schema and the database. Grant changes nothing in tables of other owners. It
// should run in a transaction, so that the service never lacks a privilege.
func (r Role) Grant(ctx context.Context, db DB, keep bool) error {
	if r.Name == "" {
		return nil
	}
	if reasons, err := Unsafe(ctx, db, r.Name); err != nil {
		return err
	} else if len(reasons) > 0 {
		return fmt.Errorf("the role %q of the service %s", r.Name, strings.Join(reasons, "; it "))
	}
	statements, err := r.statements(ctx, db, keep)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// statements returns the statements that Grant executes.
func (r Role) statements(ctx context.Context, db DB, keep bool) ([]string, error) {
	existing, err := query(ctx, db, `SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`)
	if err != nil {
		return nil, err
	}
	columns := map[string][]string{} // of each table
	for _, row := range existing {
		columns[row[0]] = append(columns[row[0]], row[1])
	}
	statements, err := r.revocations(ctx, db, keep)
	if err != nil {
		return nil, err
	}
	wanted := r.Privileges.all()
	for _, table := range slices.Sorted(maps.Keys(wanted)) {
		if columns[table] == nil { // a later migration creates it
			continue
		}
		t := wanted[table]
		grant := []string{"SELECT"}
		if t.Insert {
			grant = append(grant, "INSERT")
		}
		if t.Delete {
			grant = append(grant, "DELETE")
		}
		var update []string
		for _, column := range t.Update {
			if slices.Contains(columns[table], column) {
				update = append(update, quote(column))
			}
		}
		if len(update) > 0 {
			grant = append(grant, "UPDATE ("+strings.Join(update, ", ")+")")
		}
		statements = append(statements, "GRANT "+strings.Join(grant, ", ")+" ON public."+quote(table)+" TO "+quote(r.Name))
	}
	return statements, nil
}

// revocations returns the statements that revoke privileges, and those that let the role use the database and the schema.
func (r Role) revocations(ctx context.Context, db DB, keep bool) ([]string, error) {
	role := quote(r.Name)
	found, err := query(ctx, db, `
		SELECT 'GRANT CONNECT ON DATABASE ' || quote_ident(current_database()) || ' TO ' || $2, 'always'
			WHERE has_database_privilege('public', current_database(), 'CONNECT')
				OR NOT has_database_privilege($1, current_database(), 'CONNECT')
		UNION ALL SELECT 'REVOKE CONNECT ON DATABASE ' || quote_ident(current_database()) || ' FROM PUBLIC', 'always'
			WHERE has_database_privilege('public', current_database(), 'CONNECT')
		UNION ALL SELECT 'REVOKE TEMPORARY ON DATABASE ' || quote_ident(current_database()) || ' FROM PUBLIC, ' || $2, 'always'
			WHERE has_database_privilege($1, current_database(), 'TEMPORARY')
		UNION ALL SELECT 'GRANT USAGE ON SCHEMA public TO ' || $2, 'always' WHERE NOT has_schema_privilege($1, 'public', 'USAGE')
		UNION ALL SELECT 'REVOKE CREATE ON SCHEMA public FROM PUBLIC, ' || $2, 'always'
			WHERE has_schema_privilege($1, 'public', 'CREATE')
		UNION ALL SELECT 'REVOKE EXECUTE ON ROUTINE ' || p.oid::regprocedure || ' FROM PUBLIC, ' || $2, 'always'
			FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege($1, p.oid, 'EXECUTE')
				AND pg_has_role(p.proowner, 'USAGE')
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
		UNION ALL SELECT 'REVOKE ALL ON ' || CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END ||
			string_agg(c.oid::regclass::text, ', ') || ' FROM ' || $2, ''
			FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
				AND pg_has_role(c.relowner, 'USAGE')
			GROUP BY c.relkind`, r.Name, role)
	if err != nil {
		return nil, err
	}
	var statements []string
	for _, row := range found {
		if !keep || row[1] == "always" {
			statements = append(statements, row[0])
		}
	}
	return statements, nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// query returns the rows of a query whose columns are all texts.
func query(ctx context.Context, db DB, statement string, args ...any) (_ [][]string, err error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for rows.Next() {
		row := make([]string, len(columns))
		targets := make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
