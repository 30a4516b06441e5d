package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tables are the tables of a database at one version of its migrations. Insert uses only the columns of that version, even
// after later migrations, as a replica of that release does.
type Tables []*table

type table struct {
	name    string
	columns []column
	// checks are the definitions of the table's CHECK constraints.
	checks []string
}

// column is a column that an insert must set: it is NOT NULL and has no default.
type column struct{ name, kind string }

// ReadTables reads the tables of schema public.
func ReadTables(t testing.TB, db *pgxpool.Pool) Tables {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT c.relname, coalesce(array(
			SELECT a.attname || ' ' || format_type(a.atttypid, NULL) FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
				AND NOT a.attisdropped
			ORDER BY a.attnum), '{}'),
		array(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c')
		FROM pg_class c
		WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'atlas_schema_revisions'
		ORDER BY c.relname`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*table, error) {
		read := &table{}
		var columns []string
		err := row.Scan(&read.name, &columns, &read.checks)
		for _, c := range columns {
			name, kind, _ := strings.Cut(c, " ")
			read.columns = append(read.columns, column{name, kind})
		}
		return read, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// Insert inserts one row into each table. Rows with different numbers differ in every unique column. Rows with the
// same number refer to each other.
func (ts Tables) Insert(t testing.TB, db *pgxpool.Pool, number int) {
	t.Helper()
	left := ts
	for len(left) > 0 {
		var failed Tables
		var problems []error
		for _, table := range left {
			if err := table.insert(t.Context(), db, number); err != nil {
				failed, problems = append(failed, table), append(problems, err)
			}
		}
		// An insert may fail because it refers to a row that is inserted later, so try the failed tables again.
		if len(failed) == len(left) {
			t.Fatal(errors.Join(problems...))
		}
		left = failed
	}
}

func (t *table) insert(ctx context.Context, db *pgxpool.Pool, number int) error {
	var names, values []string
	for _, c := range t.columns {
		names = append(names, pgx.Identifier{c.name}.Sanitize())
		values = append(values, t.value(c, number))
	}
	statement := "INSERT INTO " + pgx.Identifier{t.name}.Sanitize() + " (" + strings.Join(names, ", ") + ") VALUES (" +
		strings.Join(values, ", ") + ")"
	if len(names) == 0 {
		statement = "INSERT INTO " + pgx.Identifier{t.name}.Sanitize() + " DEFAULT VALUES"
	}
	if _, err := db.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

var (
	firstLiteral = regexp.MustCompile(`'((?:[^']|'')*)'`)
	lowerBound   = regexp.MustCompile(`>= \(?([0-9.]+)`)
)

// value returns an SQL expression for the column. It satisfies simple checks: one of several literals, or a minimum.
func (t *table) value(c column, number int) string {
	literal, minimum := "", ""
	for _, check := range t.checks {
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(c.name) + `\b`).MatchString(check) {
			continue
		}
		// A check that begins with the column lists its values. Other checks relate it to other columns.
		if m := firstLiteral.FindStringSubmatch(check); m != nil &&
			(literal == "" || strings.HasPrefix(check, "CHECK (("+c.name+" ")) {
			literal = m[1]
		}
		if m := lowerBound.FindStringSubmatch(check); m != nil {
			minimum = m[1]
		}
	}
	switch c.kind {
	case "text", "character varying":
		if literal != "" {
			return "'" + literal + "'"
		}
		text := "text" + strconv.Itoa(number)
		if n, err := strconv.Atoi(minimum); err == nil && len(text) < n {
			text += strings.Repeat("x", n-len(text))
		}
		return "'" + text + "'"
	case "uuid":
		return fmt.Sprintf("'01900000-0000-7000-8000-%012d'", number)
	case "boolean":
		return "false"
	case "date":
		return "'" + time.Date(2020, 1, number, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + "'"
	case "timestamp with time zone":
		return "now()"
	case "jsonb":
		return "'{}'"
	case "bytea":
		return fmt.Sprintf(`'\x%02x'`, number)
	}
	if minimum != "" {
		return fmt.Sprintf("%s + %d", minimum, number)
	}
	return strconv.Itoa(number)
}
