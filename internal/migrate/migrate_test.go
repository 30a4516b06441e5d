package migrate_test

import (
	"context"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"ariga.io/atlas/sql/migrate"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/dbrole"
	. "github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// script is the file name and the statements of a migration.
type script struct{ name, sql string }

var (
	users   = script{"20260101000001_users.sql", "create table users (id int primary key);\ncreate index on users (id);\n"}
	orders  = script{"20260101000002_orders.sql", "create table orders (id int);\n"}
	between = script{"20260101000001a_between.sql", "create table between_them (id int);\n"}
	edited  = script{users.name, users.sql + "create table more ();\n"}
	broken  = script{
		"20260101000003_broken.sql",
		"create table traces (id int);\ninsert into traces values (1);\n\ninsert into traces\nvalues ('x');\n",
	}
	concurrent = script{
		"20260101000004_index.sql", "-- atlas:txmode none\n\ncreate index concurrently if not exists orders_id on orders (id);\n",
	}
)

// folder returns a folder with the scripts and their atlas.sum.
func folder(t *testing.T, scripts ...script) fstest.MapFS {
	t.Helper()
	dir := fstest.MapFS{}
	var files []migrate.File
	for _, s := range scripts {
		dir[s.name] = &fstest.MapFile{Data: []byte(s.sql)}
		files = append(files, migrate.NewLocalFile(s.name, []byte(s.sql)))
	}
	slices.SortFunc(files, func(a, b migrate.File) int { return strings.Compare(a.Name(), b.Name()) })
	sum, err := migrate.NewHashFile(files)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sum.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	dir[migrate.HashFileName] = &fstest.MapFile{Data: text}
	return dir
}

func up(t *testing.T, url string, dir fs.FS) ([]string, error) {
	t.Helper()
	return Up(t.Context(), url, dir, dbrole.Role{}, slog.New(slog.DiscardHandler))
}

func mustUp(t *testing.T, url string, dir fs.FS) []string {
	t.Helper()
	applied, err := up(t, url, dir)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func queryInt(t *testing.T, url, sql string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUpAppliesPendingFiles(t *testing.T) {
	url := postgrestest.URL(t, nil)
	if got := mustUp(t, url, folder(t, users)); !slices.Equal(got, []string{users.name}) {
		t.Errorf("first Up applied %q, want users", got)
	}
	if got := mustUp(t, url, folder(t, users, orders)); !slices.Equal(got, []string{orders.name}) {
		t.Errorf("Up with a new file applied %q, want orders", got)
	}
	if got := mustUp(t, url, folder(t, users, orders)); len(got) != 0 {
		t.Errorf("repeated Up applied %q, want nothing", got)
	}
	n := queryInt(t, url, `select count(*) from public.atlas_schema_revisions where type = 2 and applied = total
		and applied = case version when '20260101000001' then 2 when '20260101000002' then 1 end
		and description in ('users', 'orders') and length(hash) = 44 and error is null`)
	if n != 2 {
		t.Errorf("%d revisions have the form that the Atlas CLI writes, want 2", n)
	}
}

func TestUpRunsTxmodeNoneOutsideTransaction(t *testing.T) {
	url := postgrestest.URL(t, nil)
	mustUp(t, url, folder(t, users, orders, concurrent))
	if n := queryInt(t, url, "select count(*) from pg_indexes where indexname = 'orders_id'"); n != 1 {
		t.Errorf("%d indexes, want 1", n)
	}
	two := script{"2027_two.sql", "-- atlas:txmode none\n\nselect 1;\nselect 2;\n"}
	if _, err := up(t, url, folder(t, users, orders, concurrent, two)); err == nil {
		t.Error("Up accepted two statements without a transaction")
	}
}

// A killed process may leave an index without its revision: complete, or invalid.
func TestUpRepeatsTxmodeNone(t *testing.T) {
	unique := script{
		"20260101000004_index.sql",
		"-- atlas:txmode none\n\ncreate unique index concurrently if not exists orders_id on orders (id);\n",
	}
	for name, tt := range map[string]struct {
		before, fix string
	}{
		"complete index": {"create unique index orders_id on orders (id)", ""},
		"invalid index":  {"insert into orders values (1), (1)", "delete from orders"},
	} {
		t.Run(name, func(t *testing.T) {
			url := postgrestest.URL(t, folder(t, users, orders))
			exec(t, url, tt.before)
			if tt.fix != "" {
				if _, err := up(t, url, folder(t, users, orders, unique)); err == nil {
					t.Fatal("Up built a unique index over equal values")
				}
				if n := queryInt(t, url, "select count(*) from pg_index where not indisvalid"); n != 1 {
					t.Fatalf("%d invalid indexes, want 1", n)
				}
				exec(t, url, tt.fix)
			}
			mustUp(t, url, folder(t, users, orders, unique))
			n := queryInt(t, url, "select count(*) from pg_index where indexrelid = 'orders_id'::regclass and indisvalid")
			if n != 1 {
				t.Errorf("%d valid indexes, want 1", n)
			}
		})
	}
	once := script{unique.name, "-- atlas:txmode none\n\ncreate index concurrently orders_id on orders (id);\n"}
	_, err := up(t, postgrestest.URL(t, folder(t, users, orders)), folder(t, users, orders, once))
	if err == nil || !strings.Contains(err.Error(), "must be repeatable") {
		t.Errorf("got error %v, want a refusal of a statement that cannot be repeated", err)
	}
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentUp(t *testing.T) {
	url := postgrestest.URL(t, nil)
	dir := folder(t, users, orders)
	var mu sync.Mutex
	var applied []string
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			got, err := up(t, url, dir)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			applied = append(applied, got...)
		})
	}
	wg.Wait()
	if !slices.Equal(applied, []string{users.name, orders.name}) {
		t.Errorf("applied %q, want each file once", applied)
	}
}

func TestFailedFileIsRolledBack(t *testing.T) {
	url := postgrestest.URL(t, nil)
	applied, err := up(t, url, folder(t, users, broken))
	if !slices.Equal(applied, []string{users.name}) {
		t.Errorf("applied %q, want users", applied)
	}
	for _, want := range []string{broken.name, "line 4", "insert into traces values ('x')"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if n := queryInt(t, url, "select count(*) from pg_tables where tablename = 'traces'"); n != 0 {
		t.Error("the table of the failed file exists")
	}
	status, err := StatusOf(t.Context(), url, folder(t, users, broken))
	if err != nil || status.Current != "20260101000001" || !slices.Equal(status.Pending, []string{broken.name}) {
		t.Errorf("got status %+v, %v; want the broken file pending", status, err)
	}
}

func TestUpRefusesIncompatibleFolders(t *testing.T) {
	tampered := folder(t, users, orders)
	tampered[users.name] = &fstest.MapFile{Data: []byte(edited.sql)}
	noSum := folder(t, users)
	delete(noSum, migrate.HashFileName)
	for name, tt := range map[string]struct {
		before, now fs.FS
		want        string
	}{
		"an applied file changed":                     {folder(t, users), folder(t, edited), users.name},
		"a file added in between":                     {folder(t, users, orders), folder(t, users, between, orders), between.name},
		"another service's database":                  {folder(t, users, orders), folder(t, orders, concurrent), "20260101000001"},
		"a file that differs from atlas.sum":          {folder(t, users), tampered, users.name + " was edited"},
		"no atlas.sum":                                {folder(t, users), noSum, "atlas.sum"},
		"another service with the same first version": {folder(t, users), folder(t, script{users.name, "select 1;"}), users.name},
	} {
		t.Run(name, func(t *testing.T) {
			url := postgrestest.URL(t, tt.before)
			applied, err := up(t, url, tt.now)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(applied) > 0 {
				t.Errorf("applied %q, error %v, want %q in it", applied, err, tt.want)
			}
		})
	}
}

func TestUpAcceptsNewerDatabase(t *testing.T) {
	url := postgrestest.URL(t, folder(t, users, orders))
	if got := mustUp(t, url, folder(t, users)); len(got) != 0 {
		t.Errorf("applied %q, want nothing", got)
	}
	status, err := StatusOf(t.Context(), url, folder(t, users))
	if err != nil || !slices.Equal(status.Newer, []string{"20260101000002"}) {
		t.Errorf("got status %+v, %v; want orders as newer", status, err)
	}
}

func TestStatusOfAnEmptyDatabase(t *testing.T) {
	url := postgrestest.URL(t, nil)
	status, err := StatusOf(t.Context(), url, folder(t, users, orders))
	if err != nil || status.Current != "" || len(status.Pending) != 2 {
		t.Errorf("got status %+v, %v; want two pending files", status, err)
	}
	if n := queryInt(t, url, "select count(*) from pg_tables where schemaname = 'public'"); n != 0 {
		t.Errorf("StatusOf created %d tables, want none", n)
	}
}

func TestErrorsHidePassword(t *testing.T) {
	for _, url := range []string{
		"postgres://u:s3cret@127.0.0.1:1/db", "postgres://u:s3cret@127.0.0.1:port/db",
		"host=127.0.0.1 password=s3cret port=x",
	} {
		_, err := up(t, url, folder(t, users))
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got error %v, want an error without the password", err)
		}
	}
}
