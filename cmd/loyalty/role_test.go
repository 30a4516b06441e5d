package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// TestServiceRole checks that a service refuses a role that can change the rules of its database, unless a setting allows
// it.
func TestServiceRole(t *testing.T) {
	t.Parallel()
	owner, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	const setting = "LOYALTY_USERS_DATABASE_URL"
	allowed := func(text string) (i insecurePostgres) {
		if err := i.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return i
	}
	for name, r := range map[string]serviceRole{
		"role of the service": {setting, config.PostgresURL(role), insecurePostgres{}},
		"owner, allowed":      {setting, config.PostgresURL(owner), allowed("no-tls, owner-role")},
		"MongoDB":             {},
	} {
		if err := r.check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := serviceRole{setting, config.PostgresURL(owner), allowed("no-tls,no-password")}.check(t.Context())
	for _, want := range []string{setting, "is a superuser", "LOYALTY_INSECURE_POSTGRES=owner-role"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("owner: got the error %v, want one with %q", err, want)
		}
	}
}

// TestServiceRoleWaitsForTheDatabase closes the connection at each query of the check, as a restart of the database does. The
// error must make the service wait for the database.
func TestServiceRoleWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	_, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	for name, query := range map[string]string{
		"the name":       "SELECT current_user",
		"the attributes": "rolcreaterole",
		"the rest":       "session_replication_role",
		"no query":       "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := serviceRole{"LOYALTY_USERS_DATABASE_URL", config.PostgresURL(cutAt(t, role, query)), insecurePostgres{}}
			err := r.check(t.Context())
			if query == "" {
				if err != nil {
					t.Errorf("got the error %v, want none", err)
				}
				return
			}
			if e, ok := errors.AsType[*readiness.UnreachableError](err); !ok || e.Dependency != readiness.Database {
				t.Errorf("got the error %v, want an UnreachableError of the database", err)
			}
		})
	}
}

// cutAt returns the URL of a proxy for a database. The proxy closes a connection instead of forwarding the query, unless it is
// empty.
func cutAt(t *testing.T, database, query string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			running.Go(func() { forward(client, server, query) })
		}
	})
	u.Host = listener.Addr().String()
	return u.String()
}

// forward forwards a connection until one side closes it, or the client sends the query.
func forward(client net.Conn, address, query string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		defer client.Close()
		_, _ = io.Copy(client, server)
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil || query != "" && bytes.Contains(buffer[:n], []byte(query)) {
			break
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			break
		}
	}
	server.Close()
	answers.Wait()
}
