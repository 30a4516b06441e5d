package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestQueryLog checks that the debug log shows the SQL of every statement, but no argument, not even in the text of an
// error. At the info level there are no lines.
func TestQueryLog(t *testing.T) {
	const secret = "a-password-hash"
	url := postgrestest.URL(t, postgrestest.Script("select 1"))
	for level, want := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: false} {
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))
		pool, err := postgres.Open(t.Context(), url, postgres.Options{Log: log, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), "select\n\t$1::text", secret); err != nil {
			t.Error(err)
		}
		// The server's message is: invalid input syntax for type uuid: "a-password-hash".
		if _, err := pool.Exec(t.Context(), "select $1::text::uuid", secret); err == nil {
			t.Error("the cast succeeded")
		}
		var batch pgx.Batch
		batch.Queue("select 1 where $1 <> ''", secret)
		if err := pool.SendBatch(context.Background(), &batch).Close(); err != nil {
			t.Error(err)
		}
		pool.Close()
		text := out.String()
		if strings.Contains(text, secret) {
			t.Errorf("the log contains an argument:\n%s", text)
		}
		found := map[string]map[string]any{}
		for line := range strings.Lines(text) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			sql, _ := fields["sql"].(string)
			found[sql] = fields
		}
		for sql, result := range map[string][2]any{
			"select $1::text": {"rows", 1.0}, "select $1::text::uuid": {"sqlstate", "22P02"}, "select 1 where $1 <> ''": {"rows", 1.0},
		} {
			fields, ok := found[sql]
			if ok != want {
				t.Errorf("level %s: a line for %q: %t, want %t", level, sql, ok, want)
			}
			if ok && fields[result[0].(string)] != result[1] {
				t.Errorf("the line is %v, want %v", fields, result)
			}
		}
	}
}
