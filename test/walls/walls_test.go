// Package walls keeps the rooms of the house apart: it reads what every package imports, and what reads the environment.
package walls_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/casino-loyalty/loyalty/"

// wall refuses imports: of the files that from accepts, those that to accepts.
type wall struct {
	name     string
	from, to func(string) bool
}

func walls() []wall {
	services := []string{"users", "promotions", "notifications"}
	all := []wall{
		{
			"the domain knows no transport, database, broker or wire",
			func(file string) bool { return path.Dir(path.Dir(file)) == "services" },
			anyOf("connectrpc.com/", "google.golang.org/", "entgo.io/", "github.com/jackc/", "github.com/twmb/",
				"github.com/nats-io/", "go.mongodb.org/", "github.com/redis/", "github.com/gorilla/",
				module+"gen/", module+"ent/", module+"internal/postgres", module+"internal/redis", module+"internal/rpcserver"),
		},
		{
			"only loyalty-dev runs servers inside",
			func(file string) bool { return !strings.HasPrefix(file, "cmd/loyalty-dev/") },
			anyOf("github.com/twmb/franz-go/pkg/kfake", "github.com/nats-io/nats-server/", "github.com/alicebob/miniredis/",
				"github.com/fergusstrange/embedded-postgres", "github.com/FerretDB/"),
		},
		{
			"what services share imports none of them",
			anyOf("internal/"),
			anyOf(module + "services/"),
		},
	}
	for _, here := range services {
		for _, there := range services {
			if here != there {
				all = append(all, wall{
					here + " does not import " + there, anyOf("services/" + here + "/"), anyOf(module + "services/" + there),
				})
			}
		}
	}
	return all
}

func anyOf(prefixes ...string) func(string) bool {
	return func(s string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(s, p) {
				return true
			}
		}
		return false
	}
}

// mayReadEnvironment are the rooms that may; tests may too.
var mayReadEnvironment = anyOf("internal/config/", "cmd/", "tools/", "bench/")

// helpers are packages of tests only, and what starts programs with the environment of this one.
var helpers = anyOf("internal/redistest/", "internal/postgrestest/", "internal/pgserver/", "internal/event/eventtest/",
	"internal/event/kafkacluster/", "services/notifications/internal/mongo/mongotest/", "services/notifications/internal/storetest/")

// violations returns what a file does that its room may not.
func violations(file string, parsed *ast.File) []string {
	var found []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		for _, w := range walls() {
			if w.from(file) && w.to(imported) {
				found = append(found, file+" imports "+imported+": "+w.name)
			}
		}
	}
	if mayReadEnvironment(file) {
		return found
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" && (s.Sel.Name == "Getenv" || s.Sel.Name == "LookupEnv" || s.Sel.Name == "Environ") {
				found = append(found, file+" reads the environment: only internal/config does")
			}
		}
		return true
	})
	return found
}

func TestWalls(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || file == "gen" || file == "ent" || file == "third_party") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || helpers(file) {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		files++
		for _, v := range violations(file, parsed) {
			t.Error(v)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were looked at: %v", files, err)
	}
}

// A wall that lets everything through would pass the test above.
func TestWallsStop(t *testing.T) {
	t.Parallel()
	for file, source := range map[string]string{
		"services/users/claim.go":                   `import "github.com/jackc/pgx/v5"`,
		"services/promotions/claim.go":              `import "` + module + `gen/go/loyalty/promotions/v1"`,
		"services/promotions/internal/rpc/claim.go": `import "` + module + `services/users"`,
		"services/notifications/app/app.go":         `import "` + module + `services/users/app"`,
		"cmd/loyalty/main.go":                       `import "github.com/twmb/franz-go/pkg/kfake"`,
		"internal/verify/verify.go":                 `import "` + module + `services/users"`,
		"internal/redis/redis.go":                   `import "os"; var _ = os.Getenv("X")`,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, "package x; "+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := violations(file, parsed); len(found) != 1 {
			t.Errorf("%s with %s: found %q, want one violation", file, source, found)
		}
	}
}
