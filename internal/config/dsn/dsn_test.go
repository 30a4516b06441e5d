package dsn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config/dsn"
)

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ url, want string }{
		"plain":                              {"postgres://user:secret@host:5432/users", ""},
		"other scheme":                       {"postgresql://user:secret@host/users", ""},
		"parameters":                         {"postgres://user@host/users?sslmode=disable&search_path=a,b", ""},
		"several hosts":                      {"postgres://user:secret@a:5432,b:5432/users?target_session_attrs=read-write", ""},
		"IPv6":                               {"postgres://user:secret@[::1]:5432/users", ""},
		"IPv6 without a port":                {"postgres://user:secret@[::1]/users", ""},
		"socket":                             {"postgres://user:secret@/users?host=/var/run/postgresql", ""},
		"encoded password":                   {"postgres://user:s%40c%2Fr%7Dt@host/users", ""},
		"at sign in the password":            {"postgres://user:first@secret@host/users", "percent-encoding"},
		"at sign at the end of the password": {"postgres://user:secret@@host/users", "percent-encoding"},
		"host twice":                         {"postgres://user:secret@host/users?host=other", "values for host"},
		"port twice":                         {"postgres://user:secret@host:5432/users?port=secret", "values for port"},
		"user twice":                         {"postgres://user:secret@host/users?user=other", "values for user"},
		"password twice":                     {"postgres://user:other@host/users?password=secret", "values for password"},
		"database twice":                     {"postgres://user:secret@host/users?dbname=other", "values for dbname"},
		"password as a parameter":            {"postgres://user@host/users?password=secret", ""},
		"empty":                              {"", "is empty"},
		"in double quotes":                   {`"postgres://user:secret@host/users?x=y"`, "quotes"},
		"in single quotes":                   {`'postgres://user:secret@host/users'`, "quotes"},
		"opening quote":                      {`"postgres://user:secret@host/users`, "quotes"},
		"closing quote":                      {`postgres://user:secret@host/users"`, "quotes"},
		"in typographic quotes":              {"\u201cpostgres://user:secret@host/users\u201d", "quotes"},
		"space before":                       {" postgres://user:secret@host/users", "white space"},
		"newline after":                      {"postgres://user:secret@host/users\n", "white space"},
		"keywords and values":                {"host=h user=user password=secret dbname=users", "keywords and values"},
		"no scheme":                          {"user:secret@host/users", "is not a URL"},
		"MySQL":                              {"mysql://user:secret@host/users", "begins with mysql://, but must begin with postgres:// or postgresql://"},
		"password before the scheme":         {"user:secret@host://users", "does not begin with postgres:// or postgresql://"},
		"HTTP":                               {"http://user:secret@host/users", "postgres://"},
		"no host":                            {"postgres://user:secret@/users", "names no host"},
		"port without a host":                {"postgres://user:secret@:5432/users", "names no host"},
		"one host of two missing":            {"postgres://user:secret@,b:5432/users", "names no host"},
		"no database":                        {"postgres://user:secret@host:5432", "names no database"},
		"slash but no database":              {"postgres://user:secret@host:5432/?sslmode=disable", "names no database"},
		"path below the database":            {"postgres://user:secret@host:5432/users/secret", "after the host"},
		"port 0":                             {"postgres://user:secret@host:0/users", "port"},
		"port too large":                     {"postgres://user:secret@host:70000/users", "port"},
		"colon without a port":               {"postgres://user:secret@host:/users", "port"},
		"slash in the password":              {"postgres://user:secret/1@host/users", "percent-encoding"},
		"number and slash in the password":   {"postgres://user:12/secret@host/users", "percent-encoding"},
		"question mark in the password":      {"postgres://user:12?secret@host/users", "percent-encoding"},
		"hash in the password":               {"postgres://user:12#secret@host/users", "percent-encoding"},
		"brace in the password":              {"postgres://user:secret}@host/users", "percent-encoding"},
		"percent in the password":            {"postgres://user:secret%@host/users", "percent-encoding"},
		"space in the password":              {"postgres://user:secret 1@host/users", "percent-encoding"},
		"backslash in the password":          {`postgres://user:secret\1@host/users`, "percent-encoding"},
		"bracket in the password":            {"postgres://user:[secret@host/users", "percent-encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkError(t, dsn.PostgreSQL(tt.url), tt.want)
		})
	}
}

func TestOtherServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check     func(string) error
		url, want string
	}{
		"MongoDB replica set":                {dsn.MongoDB, "mongodb://user:secret@a:27017,b:27017/?replicaSet=rs0", ""},
		"MongoDB SRV":                        {dsn.MongoDB, "mongodb+srv://user:secret@cluster.example/loyalty", ""},
		"MongoDB, slash in the password":     {dsn.MongoDB, "mongodb://user:12/secret@a/loyalty", "percent-encoding"},
		"MongoDB, brace in the password":     {dsn.MongoDB, "mongodb://user:secret}@a/loyalty", "percent-encoding"},
		"MongoDB, at sign in the password":   {dsn.MongoDB, "mongodb://user:first@secret@a/loyalty", "percent-encoding"},
		"NATS, at sign in the password":      {dsn.NATS, "nats://user:first@secret@a:4222", "percent-encoding"},
		"MongoDB in quotes":                  {dsn.MongoDB, `"mongodb://user:secret@a/loyalty"`, "quotes"},
		"PostgreSQL URL for MongoDB":         {dsn.MongoDB, "postgres://user:secret@a/loyalty", "mongodb://"},
		"NATS":                               {dsn.NATS, "nats://user:secret@a:4222", ""},
		"several NATS servers":               {dsn.NATS, "nats://user:secret@a:4222,nats://user:secret@b:4222", ""},
		"NATS without scheme":                {dsn.NATS, "a:4222", "is not a URL"},
		"NATS, slash in the password":        {dsn.NATS, "nats://user:12/secret@a:4222", "percent-encoding"},
		"second NATS URL has another scheme": {dsn.NATS, "nats://user:secret@a:4222,http://b", "nats://"},
		"HTTP":                               {dsn.HTTP, "http://users:8080/jwks.json", ""},
		"HTTP without scheme":                {dsn.HTTP, "users:8080/secret.json", "is not a URL"},
		"HTTP without host":                  {dsn.HTTP, "http:///jwks.json", "names no host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkError(t, tt.check(tt.url), tt.want)
		})
	}
}

// checkError checks that err contains want, or is nil if want is empty. It also checks that err does not contain "secret",
// which stands for the parts of the URL that an error must not show.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error %q, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want an error that contains %q", err, want)
	case err != nil && strings.Contains(err.Error(), "secret"):
		t.Errorf("error %q contains the secret", err)
	}
}

func ExamplePostgreSQL() {
	fmt.Println("URL", dsn.PostgreSQL("mysql://root:password@host/users"))
	// Output: URL begins with mysql://, but must begin with postgres:// or postgresql://; an example is postgres://user:password@host:5432/database
}
