package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// compatible rewrites the planned changes of existing tables. The rewritten migration applies to tables with rows. Replicas
// of the previous release, which do not set the new columns, can still insert rows. compatible returns an error for changes
// that it cannot rewrite. The error names the column or the rule, and the option of the schema that helps, if there is one.
//
//   - A new NOT NULL column without a default gets the zero value of its type as default. Later plans keep this default.
//   - A removed column stays, because the previous release still reads it, and becomes nullable. If drop is set, the column
//     is dropped.
//   - A removed default stays if it is the zero value of its type. Any other default is dropped, even if inserts of the
//     previous release rely on it.
//   - A rule that existing rows may break is refused: NOT NULL, a narrower type, a stricter check, a unique index, a foreign
//     key.
//
// It evaluates checks on db.
func compatible(ctx context.Context, db *sql.DB, drop bool) schema.DiffHook {
	return func(next schema.Differ) schema.Differ {
		return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
			changes, err := next.Diff(current, desired)
			if err != nil {
				return nil, err
			}
			var kept []atlas.Change
			var problems []error
			for _, change := range changes {
				modified, ok := change.(*atlas.ModifyTable)
				if !ok {
					kept = append(kept, change)
					continue
				}
				t := tablePlan{db: db, name: modified.T.Name, drop: drop, added: map[string]*atlas.Column{}}
				t.old, ok = current.Table(modified.T.Name)
				if !ok {
					return nil, fmt.Errorf("table %s is modified but does not exist", modified.T.Name)
				}
				modified.Changes, err = t.rewrite(ctx, modified.Changes)
				problems = append(problems, err)
				if len(modified.Changes) > 0 {
					kept = append(kept, modified)
				}
			}
			return kept, errors.Join(problems...)
		})
	}
}

// tablePlan is the planned change of one existing table.
type tablePlan struct {
	db   *sql.DB
	name string
	drop bool
	old  *atlas.Table
	// added holds the new columns by name.
	added map[string]*atlas.Column
}

// rewrite returns the changes to make. It returns the joined errors of all refused changes.
func (t tablePlan) rewrite(ctx context.Context, changes []atlas.Change) ([]atlas.Change, error) {
	var kept []atlas.Change
	var problems []error
	for _, change := range changes {
		if add, ok := change.(*atlas.AddColumn); ok {
			t.added[add.C.Name] = add.C
			if err := setDefault(add.C); err != nil {
				problems = append(problems, fmt.Errorf("table %s: %w", t.name, err))
			}
		}
	}
	for _, change := range changes {
		change, err := t.rewriteOne(ctx, change)
		if err != nil {
			problems = append(problems, fmt.Errorf("table %s: %w", t.name, err))
		}
		if change != nil {
			kept = append(kept, change)
		}
	}
	return kept, errors.Join(problems...)
}

// rewriteOne returns the change to make, or nil for none. It returns an error if it refuses the change.
func (t tablePlan) rewriteOne(ctx context.Context, change atlas.Change) (atlas.Change, error) {
	switch c := change.(type) {
	case *atlas.ModifyColumn:
		return modifyColumn(c)
	case *atlas.DropColumn:
		return t.dropColumn(c), nil
	case *atlas.AddCheck:
		return c, t.addCheck(ctx, c.C)
	case *atlas.ModifyCheck:
		return c, t.modifyCheck(ctx, c)
	case *atlas.AddIndex:
		return c, t.addIndex(c.I)
	case *atlas.AddForeignKey:
		if !slices.ContainsFunc(c.F.Columns, t.isNewNullable) {
			return c, byHand("foreign key " + c.F.Symbol)
		}
		return c, nil
	default:
		return c, nil
	}
}

// byHand returns the error for a rule that existing rows may break.
func byHand(rule string) error {
	return fmt.Errorf("%s: existing rows may break this rule. Write the migration by hand: correct the rows, then add the "+
		"rule; then run make migrate-hash", rule)
}

func (t tablePlan) isNewNullable(c *atlas.Column) bool { return t.added[c.Name] != nil && c.Type.Null }

// setDefault sets the default of a new NOT NULL column without a default to the zero value of its type. It returns an error
// if the type has no zero value.
func setDefault(c *atlas.Column) error {
	if c.Type.Null || c.Default != nil || slices.ContainsFunc(c.Attrs, isIdentity) {
		return nil
	}
	zero := zeroValue(c.Type.Type)
	if zero == "" {
		return fmt.Errorf("new column %s: its type has no zero value for the existing rows: set (loyalty.options.v1.column)"+
			".nullable, or .default to an SQL expression", c.Name)
	}
	c.Default = &atlas.RawExpr{X: zero}
	return nil
}

func isIdentity(a atlas.Attr) bool {
	_, is := a.(*postgres.Identity)
	return is
}

// zeroValue returns the SQL literal of a type's zero value. It returns an empty string for a type without one, such as uuid,
// date and timestamptz.
func zeroValue(t atlas.Type) string {
	switch t.(type) {
	case *atlas.StringType:
		return "''"
	case *atlas.BoolType:
		return "false"
	case *atlas.IntegerType, *atlas.DecimalType, *atlas.FloatType:
		return "0"
	case *atlas.JSONType:
		return "'{}'"
	case *atlas.BinaryType:
		return `'\x'`
	}
	return ""
}

// modifyColumn returns the change of a column to make, or nil for none. It keeps the default that an earlier plan gave the
// column. It refuses NOT NULL, and it refuses a new type that cannot hold all values of the old type.
func modifyColumn(c *atlas.ModifyColumn) (atlas.Change, error) {
	if c.Change.Is(atlas.ChangeDefault) && c.To.Default == nil && isZeroDefault(c.From) {
		c.Change &^= atlas.ChangeDefault
		c.To.Default = c.From.Default
	}
	switch {
	case c.Change.Is(atlas.ChangeNull) && !c.To.Type.Null:
		return c, byHand("column " + c.To.Name + " becomes NOT NULL")
	case c.Change.Is(atlas.ChangeType) && !widens(c.From.Type.Type, c.To.Type.Type):
		return c, byHand("column " + c.To.Name + " changes its type")
	case c.Change == atlas.NoChange:
		return nil, nil //nolint:nilnil // no change, no error
	}
	return c, nil
}

// isZeroDefault reports whether the column's default is the zero value of its type. It ignores the cast that PostgreSQL adds
// to a default.
func isZeroDefault(c *atlas.Column) bool {
	var text string
	switch d := c.Default.(type) {
	case *atlas.Literal:
		text = d.V
	case *atlas.RawExpr:
		text = d.X
	}
	text, _, _ = strings.Cut(text, "::")
	return text != "" && strings.Trim(text, "()") == zeroValue(c.Type.Type)
}

// widens reports whether every value of type from is also a value of type to. It ignores the maximum length of strings.
func widens(from, to atlas.Type) bool {
	sizes := map[string]int{postgres.TypeSmallInt: 1, postgres.TypeInteger: 2, postgres.TypeInt: 2, postgres.TypeBigInt: 3}
	if f, ok := from.(*atlas.IntegerType); ok {
		t, ok := to.(*atlas.IntegerType)
		return ok && sizes[f.T] <= sizes[t.T]
	}
	if f, ok := from.(*atlas.DecimalType); ok {
		t, ok := to.(*atlas.DecimalType)
		return ok && f.Scale <= t.Scale && f.Precision-f.Scale <= t.Precision-t.Scale
	}
	return zeroValue(from) == "''" && zeroValue(to) == "''"
}

// dropColumn returns the change that replaces the removal of a column, or nil for none. The column stays, because the
// previous release still reads it. It becomes nullable if it has no default, because the new release inserts rows without
// it.
func (t tablePlan) dropColumn(c *atlas.DropColumn) atlas.Change {
	if t.drop {
		return c
	}
	if c.C.Type.Null || c.C.Default != nil {
		return nil
	}
	kind := *c.C.Type
	kind.Null = true
	nullable := *c.C
	nullable.Type = &kind
	return &atlas.ModifyColumn{From: c.C, To: &nullable, Change: atlas.ChangeNull}
}

// addIndex refuses a unique index if existing rows may have equal values in its columns.
func (t tablePlan) addIndex(index *atlas.Index) error {
	if !index.Unique {
		return nil
	}
	var fresh string
	for _, part := range index.Parts {
		if part.C != nil && t.isNewNullable(part.C) {
			return nil
		}
		if part.C != nil && t.added[part.C.Name] != nil {
			fresh = part.C.Name
		}
	}
	if fresh != "" {
		return fmt.Errorf("unique index %s: all existing rows get the same default in column %s: set "+
			"(loyalty.options.v1.column).nullable", index.Name, fresh)
	}
	return byHand("unique index " + index.Name)
}

// addCheck refuses a check that the defaults of new columns break, and a check that only uses existing columns. It allows a
// check that uses both new and existing columns. The migration then fails and is rolled back if a row breaks the check.
func (t tablePlan) addCheck(ctx context.Context, check *atlas.Check) error {
	values := map[string]string{}
	for name, c := range t.added {
		values[name] = "NULL"
		if c.Default != nil {
			values[name] = defaultText(c)
		}
	}
	holds, err := t.holds(ctx, check.Expr, values)
	switch {
	case isUndefinedColumn(err) && !t.mentionsNew(check.Expr):
		return byHand("check " + check.Name)
	case isUndefinedColumn(err):
		return nil
	case err != nil:
		return fmt.Errorf("check %s: %w", check.Name, err)
	case !holds:
		return fmt.Errorf("check %s: the default of the new column breaks it (%s): set (loyalty.options.v1.column).default to "+
			"an SQL expression that fits, or .nullable", check.Name, check.Expr)
	}
	return nil
}

func (t tablePlan) mentionsNew(expr string) bool {
	for name := range t.added {
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(expr) {
			return true
		}
	}
	return false
}

// modifyCheck refuses a check that is stricter than the previous check. It evaluates both checks with values around every
// limit that they contain. It cannot compare the options of the schema instead: the previous state comes from the
// migrations, which contain the SQL of the checks but not the options. Checks in options are SQL, too.
func (t tablePlan) modifyCheck(ctx context.Context, c *atlas.ModifyCheck) error {
	for _, column := range t.old.Columns {
		for _, probe := range probes(column, c.From.Expr+" "+c.To.Expr) {
			values := map[string]string{column.Name: probe}
			before, err := t.holds(ctx, c.From.Expr, values)
			if isUndefinedColumn(err) {
				break // the check uses another column
			}
			if err != nil {
				return fmt.Errorf("check %s: %w", c.From.Name, err)
			}
			after, err := t.holds(ctx, c.To.Expr, values)
			if before && (err != nil || !after) {
				return byHand("check " + c.To.Name + " becomes stricter")
			}
		}
	}
	return nil
}

var (
	quotedLiteral = regexp.MustCompile(`'(?:[^']|'')*'`)
	numberLiteral = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
)

// probes returns values of a column's type around the limits in expr, as SQL expressions.
func probes(c *atlas.Column, expr string) []string {
	var list []string
	numbers := numberLiteral.FindAllString(quotedLiteral.ReplaceAllString(expr, ""), -1)
	switch zeroValue(c.Type.Type) {
	case "''":
		list = append(quotedLiteral.FindAllString(expr, -1), "''")
		for _, number := range numbers {
			if n, err := strconv.Atoi(number); err == nil {
				list = append(list, fmt.Sprintf("repeat('x', %d)", n-1), fmt.Sprintf("repeat('x', %d)", n),
					fmt.Sprintf("repeat('x', %d)", n+1))
			}
		}
	case "0":
		list = append(list, "0")
		for _, n := range numbers {
			list = append(list, n, n+" - 0.01", n+" + 0.01", n+" - 1", n+" + 1")
		}
	}
	return list
}

// holds reports whether the check expr holds for a row with the given columns. The map values contains an SQL expression for
// each column name. As in PostgreSQL, a check also holds if its result is NULL.
func (t tablePlan) holds(ctx context.Context, expr string, values map[string]string) (bool, error) {
	columns := []string{"1"}
	for name, value := range values {
		c, known := t.added[name], true
		if c == nil {
			c, known = t.old.Column(name)
		}
		if !known {
			continue
		}
		kind, err := postgres.FormatType(c.Type.Type)
		if err != nil {
			return false, err
		}
		columns = append(columns, fmt.Sprintf("(%s)::%s AS %q", value, kind, name))
	}
	var holds bool
	//nolint:gosec // the expressions are those of the schema
	row := t.db.QueryRowContext(ctx, "SELECT coalesce(("+expr+"), true) FROM (SELECT "+strings.Join(columns, ", ")+") AS r")
	return holds, row.Scan(&holds)
}

func defaultText(c *atlas.Column) string {
	switch d := c.Default.(type) {
	case *atlas.Literal:
		return d.V
	case *atlas.RawExpr:
		return d.X
	default:
		return "NULL"
	}
}

func isUndefinedColumn(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "42703"
}
