package dbrole

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unsafe returns the reasons why a role can evade the rules of the current database, whatever is granted: it is a superuser,
// it owns objects or can become their owner, or it has rights that work beyond tables. Each reason continues the sentence
// "the role …". Unsafe returns an error if the role does not exist.
func Unsafe(ctx context.Context, db DB, role string) ([]string, error) {
	attributes, err := query(ctx, db, `SELECT coalesce(CASE
				WHEN rolsuper THEN 'is a superuser, so it can change the ledger'
				WHEN rolcreaterole THEN 'has the attribute CREATEROLE'
				WHEN rolcreatedb THEN 'has the attribute CREATEDB'
				WHEN rolreplication THEN 'has the attribute REPLICATION'
				WHEN rolbypassrls THEN 'has the attribute BYPASSRLS' END, ''), rolsuper::text
			FROM pg_roles WHERE rolname = $1`, role)
	if err != nil {
		return nil, err
	}
	if len(attributes) == 0 {
		return nil, fmt.Errorf("the role %q does not exist: CREATE ROLE %s LOGIN PASSWORD '…'", role, quote(role))
	}
	var reasons []string
	if attributes[0][0] != "" {
		reasons = append(reasons, attributes[0][0])
	}
	if attributes[0][1] == "true" {
		return reasons, nil
	}
	rows, err := query(ctx, db, `SELECT reason FROM (
			SELECT 2 AS n, 'owns tables and can drop their rules: ' || string_agg(relname, ', ' ORDER BY relname) AS reason
			FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
				AND pg_has_role($1, relowner, 'MEMBER')
			HAVING count(*) > 0
		UNION ALL SELECT 3, 'owns functions and can replace them: ' || string_agg(proname, ', ' ORDER BY proname)
			FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pg_has_role($1, proowner, 'MEMBER')
			HAVING count(*) > 0
		UNION ALL SELECT 4, 'owns the schema public and can drop its tables'
			FROM pg_namespace WHERE nspname = 'public' AND pg_has_role($1, nspowner, 'MEMBER')
		UNION ALL SELECT 5, 'is a member of ' || string_agg(rolname, ', ' ORDER BY rolname)
			FROM pg_roles WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
				'pg_write_all_data', 'pg_maintain', 'pg_create_subscription') AND pg_has_role($1, oid, 'MEMBER')
			HAVING count(*) > 0
		UNION ALL SELECT 6, 'may set session_replication_role, which disables triggers'
			WHERE has_parameter_privilege($1, 'session_replication_role', 'SET')
		) reasons ORDER BY n`, role)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		reasons = append(reasons, row[0])
	}
	return reasons, nil
}

// Difference lists the privileges that a role lacks, and those that it should not have, such as "users: UPDATE (balance)".
type Difference struct {
	Missing, Excess []string
}

// right is a privilege on an object of the schema public, or on one of its columns.
type right struct{ object, column, privilege string }

// Compare compares the effective privileges of the role in the current database with those it should have. They include the
// privileges of PUBLIC and of roles of which the role is a member. It also reports whether every role of the server may
// connect. Tables and columns that do not exist yet are ignored.
func (r Role) Compare(ctx context.Context, db DB) (Difference, error) {
	rows, err := query(ctx, db, `WITH objects AS (
			SELECT c.oid, c.relname, c.relkind FROM pg_class c
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
		SELECT relname, '', p, has_table_privilege($1, oid, p)::text
			FROM objects, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER'] ||
				CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ARRAY['MAINTAIN'] ELSE '{}' END) p
			WHERE relkind <> 'S'
		UNION ALL SELECT relname, attname, p, has_column_privilege($1, objects.oid, attnum, p)::text
			FROM objects JOIN pg_attribute ON attrelid = objects.oid AND attnum > 0 AND NOT attisdropped,
				unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
			WHERE relkind <> 'S'
		UNION ALL SELECT relname, '', p, has_sequence_privilege($1, oid, p)::text
			FROM objects, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p WHERE relkind = 'S'
		UNION ALL SELECT p.oid::regprocedure::text, '', 'EXECUTE', has_function_privilege($1, p.oid, 'EXECUTE')::text
			FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
		UNION ALL SELECT 'schema public', '', p, has_schema_privilege($1, 'public', p)::text
			FROM unnest(ARRAY['USAGE', 'CREATE']) p
		UNION ALL SELECT 'the database', '', p, has_database_privilege($1, current_database(), p)::text
			FROM unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) p
		UNION ALL SELECT 'the database', '', 'CONNECT of PUBLIC',
			has_database_privilege('public', current_database(), 'CONNECT')::text`, r.Name)
	if err != nil {
		return Difference{}, err
	}
	wanted := r.Privileges.all()
	var missing, excess []right
	for _, row := range rows {
		at := right{row[0], row[1], row[2]}
		want, have := wanted.include(at), row[3] == "true"
		switch {
		case want && !have:
			missing = append(missing, at)
		case have && !want:
			excess = append(excess, at)
		}
	}
	return Difference{Missing: list(missing), Excess: list(excess)}, nil
}

// include reports whether the privileges include a right.
func (p Privileges) include(at right) bool {
	if at.object == "schema public" {
		return at.privilege == "USAGE"
	}
	if at.object == "the database" {
		return at.privilege == "CONNECT"
	}
	t, ok := p[at.object]
	if !ok {
		return false
	}
	switch at.privilege {
	case "SELECT":
		return true
	case "INSERT":
		return t.Insert
	case "DELETE":
		return t.Delete
	case "UPDATE":
		return slices.Contains(t.Update, at.column)
	default:
		return false
	}
}

// list returns a text for each object and privilege, with the columns in parentheses.
func list(rights []right) []string {
	columns := map[right][]string{}
	for _, at := range rights {
		key := right{at.object, "", at.privilege}
		columns[key] = append(columns[key], at.column)
	}
	var texts []string
	for key, names := range maps.All(columns) {
		text := key.object + ": " + key.privilege
		if names[0] != "" {
			slices.Sort(names)
			text += " (" + strings.Join(names, ", ") + ")"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}
