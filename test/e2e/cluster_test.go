package e2e_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// cluster runs each service in its own process, behind the gateway, with PostgreSQL, Redis and bus servers of the test.
type cluster struct {
	platform
	t         *testing.T
	program   string              // runs the services; if empty, programs.loyalty
	replicas  map[string][]string // the names of the replicas of each service
	listen    map[string]string   // the address of each replica
	environ   map[string][]string // the settings of single replicas, which override the others
	processes map[string]*process // the process of each replica
	databases map[string]database
	owner     string // path of a settings file with the owners of the databases
	ledger    string // the address of the internal listener of a users replica
	bus       event.Bus
	// publishRaw publishes a record without headers.
	publishRaw func(topic, key string, data []byte)
}

var services = []string{"users", "promotions", "notifications"}

// database is the database of a service.
type database struct {
	owner, service string // URLs with the owner, who is a superuser, and with the role of the service
}

// ownerSettings returns lines NAME=VALUE for loyalty migrate and loyalty backup.
func ownerSettings(t *testing.T, databases map[string]database) []string {
	t.Helper()
	lines := []string{"LOYALTY_NOTIFICATIONS_STORE=postgres"}
	for service, d := range databases {
		u, err := url.Parse(d.service)
		if err != nil {
			t.Fatal(err)
		}
		prefix := "LOYALTY_" + strings.ToUpper(service) + "_DATABASE_"
		lines = append(lines, prefix+"URL="+d.owner, prefix+"ROLE="+u.User.Username())
	}
	return lines
}

type process struct {
	name string
	*testproc.Process
}

// ledgerKey returns the ledger key of all platforms of the tests. A restored platform needs the key of the original one.
var ledgerKey = sync.OnceValue(ledgerchain.GenerateKey)

// newCluster starts Redis and the bus and writes a settings file that uses the databases. It starts no service. extra holds
// lines NAME=VALUE, which override the other settings.
func newCluster(t *testing.T, bus string, databases map[string]database, extra ...string) *cluster {
	t.Helper()
	build(t)
	c := emptyCluster(t)
	c.databases, c.ledger, c.tokenKey = databases, testproc.FreeAddress(t), tokenKey(t)
	for _, name := range services {
		c.replicas[name], c.listen[name] = []string{name}, testproc.FreeAddress(t)
	}
	settings := []string{
		"LOYALTY_USERS_DATABASE_URL=" + c.databases["users"].service,
		"LOYALTY_PROMOTIONS_DATABASE_URL=" + c.databases["promotions"].service,
		"LOYALTY_NOTIFICATIONS_DATABASE_URL=" + c.databases["notifications"].service,
		"LOYALTY_NOTIFICATIONS_STORE=postgres",
		"LOYALTY_REDIS_ADDRESS=" + redistest.Start(t).Address,
		"LOYALTY_JWKS_URL=http://" + c.listen["users"] + "/.well-known/jwks.json",
		"LOYALTY_INTERNAL_LISTEN=" + c.ledger,
		"LOYALTY_LEDGER_ADDRESS=" + c.ledger,
		"LOYALTY_INTERNAL_TOKEN=the services' own secret",
		"LOYALTY_INSECURE_LEDGER=no-tls", // the names of a DNS server for tests are not loopback addresses
		"LOYALTY_LEDGER_KEY=" + ledgerKey(),
		"LOYALTY_TOKEN_KEY_FILE=" + c.tokenKey,
		"LOYALTY_REGISTRATIONS_PER_ADDRESS=10000", "LOYALTY_FAILED_LOGINS_PER_ADDRESS=10000",
		"LOYALTY_TRUSTED_PROXIES=127.0.0.0/8",
	}
	settings = append(settings, c.startBus(bus)...)
	settings = append(settings, extra...)
	c.settings = filepath.Join(t.TempDir(), "loyalty.env")
	c.owner = filepath.Join(filepath.Dir(c.settings), "owner.env")
	for path, lines := range map[string][]string{c.settings: settings, c.owner: ownerSettings(t, databases)} {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func emptyCluster(t *testing.T) *cluster {
	return &cluster{
		t: t, replicas: map[string][]string{}, listen: map[string]string{}, environ: map[string][]string{},
		processes: map[string]*process{}, databases: map[string]database{},
	}
}

// migratedDatabases creates the databases of the services.
func migratedDatabases(t *testing.T) map[string]database {
	t.Helper()
	return databasesOf(t, map[string]fs.FS{"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications})
}

// emptyDatabases creates databases without migrations, and roles without privileges.
func emptyDatabases(t *testing.T) map[string]database {
	t.Helper()
	return databasesOf(t, map[string]fs.FS{"users": nil, "promotions": nil, "notifications": nil})
}

func databasesOf(t *testing.T, folders map[string]fs.FS) map[string]database {
	t.Helper()
	all := map[string]database{}
	for service, folder := range folders {
		owner, role := postgrestest.URLsWithRole(t, folder, dbrole.Of(service))
		all[service] = database{owner, role}
	}
	return all
}

// startCluster starts each of the three services as a process, with the given bus.
func startCluster(t *testing.T, bus string) *cluster {
	t.Helper()
	c := newCluster(t, bus, migratedDatabases(t))
	c.open()
	return c
}

// open starts the replicas, and the gateway in front of the first replica of each service. It waits until all are ready and
// creates the admin.
func (c *cluster) open() {
	c.t.Helper()
	c.serve()
	c.createAdmin()
}

// serve starts the services behind the gateway and waits until they are ready.
func (c *cluster) serve() {
	t := c.t
	t.Helper()
	proxies := map[string]http.Handler{}
	proxied := gateway.Services{}
	for _, name := range services {
		target := &url.URL{Scheme: "http", Host: c.listen[c.replicas[name][0]]}
		proxies[name] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		}, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	}
	for name := range c.listen {
		c.launch(name)
	}
	proxied.Users, proxied.Promotions, proxied.Notifications = proxies["users"], proxies["promotions"], proxies["notifications"]
	front := httptest.NewServer(gateway.New(proxied, gateway.Options{}))
	t.Cleanup(front.Close)
	c.url = front.URL
	for name := range c.listen {
		c.awaitReplica(name)
	}
}

// createAdmin creates the first admin with the command loyalty admin, like an operator. It then runs the command again, like
// a job that a container engine restarts.
func (c *cluster) createAdmin() {
	t := c.t
	t.Helper()
	for _, want := range []string{"is now an admin", "nothing was changed"} {
		create := exec.Command(cmp.Or(c.program, programs.loyalty), "admin", "--settings", c.settings, "--if-missing", adminEmail)
		create.Stdin = strings.NewReader(adminPassword + "\n")
		if out, err := create.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("create the admin: %v\n%s\nwant %q", err, out, want)
		}
	}
}

// tokenKey writes a new signing key to a file and returns its path.
func tokenKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "token.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replica returns the name of a replica, such as "users-1"; n counts from zero.
func replica(service string, n int) string { return fmt.Sprintf("%s-%d", service, n+1) }

// serviceOf returns the service of a replica.
func serviceOf(name string) string {
	service, _, _ := strings.Cut(name, "-")
	return service
}

// launch starts a replica. It does not wait until the replica is ready.
func (c *cluster) launch(name string) {
	c.t.Helper()
	command := exec.Command(cmp.Or(c.program, programs.loyalty), serviceOf(name), "--settings", c.settings)
	command.Env = append(os.Environ(),
		"LOYALTY_LISTEN="+c.listen[name], "LOYALTY_DIAGNOSTICS_LISTEN=127.0.0.1:0", "LOYALTY_INSTANCE="+name)
	command.Env = append(command.Env, c.environ[name]...)
	p := &process{name, testproc.Start(c.t, command, syscall.SIGKILL)}
	c.processes[name] = p
	c.t.Cleanup(func() {
		p.Kill()
		if c.t.Failed() {
			c.t.Logf("output of %s:\n%s", name, tail(p.Output()))
		}
	})
}

// launchAt starts a replica at an address. environ overrides the settings.
func (c *cluster) launchAt(name, address string, environ ...string) {
	c.t.Helper()
	c.listen[name], c.environ[name] = address, environ
	c.launch(name)
}

// awaitReplica waits until a replica is ready.
func (c *cluster) awaitReplica(name string) {
	c.t.Helper()
	eventually(c.t, name+" is ready", func() error { return c.processes[name].alive(c.t, "http://"+c.listen[name]) })
}

// kill kills a replica.
func (c *cluster) kill(name string) {
	c.t.Helper()
	c.processes[name].Kill()
}

// killAll kills all replicas of a service.
func (c *cluster) killAll(service string) {
	c.t.Helper()
	for _, name := range c.replicas[service] {
		c.kill(name)
	}
}

// restartAll starts the killed replicas of a service and waits until they and the platform are ready.
func (c *cluster) restartAll(service string) {
	c.t.Helper()
	for _, name := range c.replicas[service] {
		c.launch(name)
	}
	for _, name := range c.replicas[service] {
		c.awaitReplica(name)
	}
	eventually(c.t, "the platform is healthy", func() error { return healthy(c.url) })
}

// stop sends SIGTERM to a replica and waits until it has exited without an error.
func (c *cluster) stop(name string) {
	c.t.Helper()
	p := c.processes[name]
	if err := p.Stop(syscall.SIGTERM); err != nil {
		c.t.Errorf("%s: %v:\n%s", name, err, tail(p.Output()))
	}
}

// alive returns an error if the service is not healthy yet. It fails the test if the process has exited.
func (p *process) alive(t *testing.T, url string) error {
	t.Helper()
	if exit := p.Exit(); exit != nil {
		t.Fatalf("%s %v\n%s", p.name, exit, p.Output())
	}
	return healthy(url)
}

// database opens the database of a service as a superuser.
func (c *cluster) database(name string) *pgxpool.Pool {
	c.t.Helper()
	pool, err := postgres.Open(c.t.Context(), c.databases[name].owner, postgres.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(pool.Close)
	return pool
}

// tail returns the last 25 lines of s.
func tail(s string) string {
	lines := bytes.Split([]byte(s), []byte("\n"))
	if len(lines) > 25 {
		lines = lines[len(lines)-25:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}
