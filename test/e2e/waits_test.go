package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/diagnostics/diagnosticstest"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// lateServers are PostgreSQL, Redis and Kafka servers that are not running yet. Their addresses are known.
type lateServers struct {
	t         *testing.T
	postgres  pgserver.Options
	databases map[string]database
	redis     *redistest.Server
	kafka     []int // ports
}

// newLateServers creates migrated databases and stops their server.
func newLateServers(t *testing.T) *lateServers {
	t.Helper()
	s := &lateServers{
		t: t, databases: map[string]database{}, redis: redistest.Start(t), kafka: testproc.FreePorts(t, 3),
		postgres: pgserver.Options{
			DataDir: filepath.Join(dataDir(t), "postgres"), Port: testproc.FreePorts(t, 1)[0],
			Settings: map[string]string{"fsync": "off"},
		},
	}
	s.redis.Kill()
	server, err := pgserver.Start(t.Context(), s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	for service, folder := range map[string]fs.FS{
		"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications,
	} {
		s.databases[service] = database{server.URL(service), server.RoleURL(service, "late", service)}
		err := errors.Join(server.CreateDatabase(t.Context(), service), server.CreateRole(t.Context(), service, "late"))
		if err == nil {
			role := dbrole.Role{Name: service, Privileges: dbrole.Of(service)}
			_, err = migrate.Up(t.Context(), s.databases[service].owner, folder, role, slog.New(slog.DiscardHandler))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// settings returns lines NAME=VALUE with the addresses.
func (s *lateServers) settings() []string {
	var brokers []string
	for _, port := range s.kafka {
		brokers = append(brokers, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return []string{"LOYALTY_REDIS_ADDRESS=" + s.redis.Address, "LOYALTY_KAFKA_BROKERS=" + strings.Join(brokers, ",")}
}

func (s *lateServers) startPostgres() {
	s.t.Helper()
	server, err := pgserver.Start(s.t.Context(), s.postgres)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { stopPostgres(s.t, server) })
}

func (s *lateServers) startKafka() {
	s.t.Helper()
	brokers, err := kfake.NewCluster(kfake.Ports(s.kafka...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(brokers.Close)
}

// awaitMissing waits until a process is not ready because of a dependency. It checks what the process tells operators:
// /health/live, /health/ready, and one line in the log, which names the setting.
func (c *cluster) awaitMissing(name, dependency, setting string) {
	t := c.t
	t.Helper()
	p := c.processes[name]
	address := p.diagnostics(t)
	eventually(t, fmt.Sprintf("%s waits for the %s", name, dependency), func() error {
		status, ready := diagnosticstest.Ready(t, address)
		missing := ready.Missing(t)
		if status != http.StatusServiceUnavailable || ready.Status != "starting" || len(missing) == 0 ||
			missing[0] != serviceOf(name)+"/"+dependency {
			return fmt.Errorf("/health/ready: %d, %+v", status, ready)
		}
		lines := p.logged("not ready: " + dependency + " unavailable")
		if len(lines) != 1 || !strings.Contains(lines[0], `"setting":"`+setting+`"`) || !strings.Contains(lines[0], `"error":"`) {
			return fmt.Errorf("logged %q", lines)
		}
		return nil
	})
	if status, body := diagnosticstest.Get(t, address, "/health/live"); status != http.StatusOK {
		t.Errorf("/health/live of %s: %d, %s", name, status, body)
	}
	metrics := diagnosticstest.Scrape(t, address)
	if up := metrics.Value(t, "loyalty_dependency_up", "component", serviceOf(name), "dependency", dependency); up != 0 {
		t.Errorf("loyalty_dependency_up of the %s is %v, want 0", dependency, up)
	}
}

// TestServicesWaitForTheirServers starts the services before Kafka, PostgreSQL and Redis, and then starts these one after
// the other.
func TestServicesWaitForTheirServers(t *testing.T) {
	t.Parallel()
	late := newLateServers(t)
	c := newCluster(t, "kafka", late.databases, late.settings()...)
	names := []string{"users-1", "promotions-1", "notifications-1"}
	for _, name := range names {
		c.launchAt(name, c.listen[serviceOf(name)])
	}
	c.launchAt("users-2", testproc.FreeAddress(t), "LOYALTY_INTERNAL_LISTEN="+testproc.FreeAddress(t))
	for _, name := range append(names, "users-2") {
		c.awaitMissing(name, "event bus", "LOYALTY_KAFKA_BROKERS")
	}
	c.stop("users-2") // a process that waits stops without an error
	late.startKafka()
	for _, name := range names {
		c.awaitMissing(name, "database", "LOYALTY_"+strings.ToUpper(serviceOf(name))+"_DATABASE_URL")
	}
	migrations := exec.Command(programs.loyalty, "migrate", "up", "--wait", "5m", "--settings", c.owner)
	waiting := testproc.Start(t, migrations, syscall.SIGKILL)
	eventually(t, "loyalty migrate up waits", func() error {
		if n := strings.Count(waiting.Output(), "LOYALTY_USERS_DATABASE_URL"); n != 1 {
			return fmt.Errorf("%d lines: %s", n, waiting.Output())
		}
		return nil
	})
	late.startPostgres()
	if err := waiting.Wait(); err != nil || strings.Count(waiting.Output(), ": 0 migrations applied") != len(services) {
		t.Errorf("loyalty migrate up --wait: %v, %s", err, waiting.Output())
	}
	for _, name := range names {
		c.awaitMissing(name, "Redis", "LOYALTY_REDIS_ADDRESS")
	}
	late.redis.Restart(t)
	for _, name := range names {
		p := c.processes[name]
		c.awaitReplica(name)
		if status, ready := diagnosticstest.Ready(t, p.diagnostics(t)); status != http.StatusOK || ready.Status != "ok" {
			t.Errorf("/health/ready of %s: %d, %+v", name, status, ready)
		}
		for _, text := range []string{"event bus available", "database available", "Redis available"} {
			if lines := p.logged(`"msg":"` + text + `","service":`); len(lines) != 1 {
				t.Errorf("%s logged %q, want one line %q", name, lines, text)
			}
		}
		if secret := passwordOf(t, late.databases["users"].owner); strings.Contains(p.Output(), secret) {
			t.Errorf("the log of %s contains the password", name)
		}
	}
	for _, name := range names {
		c.stop(name)
	}
}

// TestServicesExitOnWrongSettings starts users with settings that are wrong. The process must end with an error.
func TestServicesExitOnWrongSettings(t *testing.T) {
	t.Parallel()
	locked := redistest.Start(t, "--requirepass", "right")
	c := newCluster(t, "kafka", migratedDatabases(t))
	url := c.databases["users"].service
	for name, tt := range map[string]struct {
		settings []string
		want     string
	}{
		"database password": {
			[]string{"LOYALTY_USERS_DATABASE_URL=" + strings.Replace(url, passwordOf(t, url), "hunter2", 1)}, "password authentication failed",
		},
		"unknown database": {[]string{"LOYALTY_USERS_DATABASE_URL=" + strings.Replace(url, "?", "x?", 1)}, "does not exist"},
		"database without TLS": {
			[]string{"LOYALTY_USERS_DATABASE_URL=" + strings.Replace(url, "sslmode=disable", "sslmode=require", 1)}, "server refused TLS",
		},
		"database owner": {
			[]string{"LOYALTY_USERS_DATABASE_URL=" + c.databases["users"].owner},
			"allow it with LOYALTY_INSECURE_POSTGRES=owner-role",
		},
		"Redis password": {[]string{"LOYALTY_REDIS_ADDRESS=" + locked.Address, "LOYALTY_REDIS_PASSWORD=hunter2"}, "redis: cannot connect: WRONGPASS"},
	} {
		process := "users-" + name
		c.launchAt(process, testproc.FreeAddress(t), append(slices.Clone(tt.settings), "LOYALTY_INTERNAL_LISTEN="+testproc.FreeAddress(t))...)
		p := c.processes[process]
		eventually(t, process+" exits", func() error {
			if p.Exit() == nil {
				return errors.New(p.Output())
			}
			return nil
		})
		exit := p.Wait()
		output := p.Output()
		if exit == nil || !strings.Contains(output, tt.want) || strings.Contains(output, "hunter2") || strings.Contains(output, "not ready") {
			t.Errorf("%s: users exited with %v and %q, want an error with %q", name, exit, output, tt.want)
		}
	}
}

// passwordOf returns the password in a URL.
func passwordOf(t *testing.T, text string) string {
	t.Helper()
	_, credentials, _ := strings.Cut(text, "//")
	credentials, _, _ = strings.Cut(credentials, "@")
	_, password, ok := strings.Cut(credentials, ":")
	if !ok {
		t.Fatal("the URL contains no password")
	}
	return password
}

// stopPostgres stops a server of a test that ends.
func stopPostgres(t *testing.T, server *pgserver.Server) {
	t.Helper()
	if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
