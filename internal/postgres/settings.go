package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// takeSettings removes from config the run-time parameters that a connection pooler may refuse at connection start, and
// returns them for WithSettings. PgBouncer supports the parameters that remain in config.
func takeSettings(config *pgx.ConnConfig) map[string]string {
	settings := map[string]string{}
	for name, value := range config.RuntimeParams {
		switch strings.ToLower(name) {
		case "application_name", "client_encoding", "datestyle", "timezone", "standard_conforming_strings",
			"options", "replication":
		default:
			settings[name] = value
			delete(config.RuntimeParams, name)
		}
	}
	return settings
}

// WithSettings returns a pgxpool AfterConnect function that calls next, which may be nil, and then sets the session's
// settings. It sets them with SQL, because PgBouncer refuses most startup parameters.
func WithSettings(
	next func(context.Context, *pgx.Conn) error, settings map[string]string,
) func(context.Context, *pgx.Conn) error {
	names := slices.Sorted(maps.Keys(settings))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = settings[name]
	}
	return func(ctx context.Context, conn *pgx.Conn) error {
		if next != nil {
			if err := next(ctx, conn); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			return nil
		}
		_, err := conn.Exec(ctx, "select set_config(name, value, false) from unnest($1::text[], $2::text[]) s(name, value)",
			pgx.QueryExecModeExec, names, values)
		if err != nil {
			return fmt.Errorf("set session settings: %w", err)
		}
		return nil
	}
}
