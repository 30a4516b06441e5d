package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// fleet is the platform in production processes: users, promotions and up to three replicas of notifications behind Nginx,
// on the PostgreSQL server of the environment, Redis and three Kafka brokers. All rows share one fleet.
type fleet struct {
	*caller

	env       *Env
	servers   *scope // Redis, Kafka and Nginx
	settings  string // path of the settings file
	listen    map[string]string
	environ   map[string][]string // settings of individual processes
	processes map[string]*process // the running ones
	databases map[string]string   // URL of the database of each service
	pools     map[string]*pgxpool.Pool
	bus       *kafka.Bus
	kafka     *kgo.Client
	redis     string // address
	staff     string // access token of the admin, from signIn
	players   []player
	readers   []player
	guests    []player
	ours      *site // nil until a row needs it
	bare      *site // nil until a row needs it
}

// notificationReplicas is the number of replicas that Nginx knows.
const notificationReplicas = 3

// notifications returns the name of a replica; n counts from zero.
func notifications(n int) string { return "notifications-" + strconv.Itoa(n+1) }

// fleet returns the fleet with the given number of replicas of notifications. It starts the fleet at the first call.
func (e *Env) fleet(ctx context.Context, replicas int) (*fleet, error) {
	if e.running == nil {
		e.progress("  starting Redis, three Kafka brokers, Nginx and the services")
		f := &fleet{
			env: e, servers: e.newScope(ctx), listen: map[string]string{}, environ: map[string][]string{},
			processes: map[string]*process{}, databases: map[string]string{}, pools: map[string]*pgxpool.Pool{},
		}
		if err := f.open(ctx); err != nil {
			return nil, errors.Join(err, f.close())
		}
		e.running = f
	}
	return e.running, e.running.scale(ctx, replicas)
}

func (f *fleet) open(ctx context.Context) error {
	if err := f.env.build(ctx); err != nil {
		return err
	}
	for _, service := range []string{"users", "promotions", "notifications"} {
		pool, url, err := f.createDatabase(ctx, service, "fleet_"+service)
		if err != nil {
			return err
		}
		f.pools[service], f.databases[service] = pool, url
	}
	var settings []string
	if err := f.servers.try(func() { settings = f.startServers() }); err != nil {
		return err
	}
	if err := f.openBus(ctx); err != nil {
		return err
	}
	key, err := exec.CommandContext(ctx, f.env.programs.loyalty, "keygen").Output()
	if err != nil {
		return fmt.Errorf("loyalty keygen: %w", err)
	}
	for service, url := range f.databases {
		settings = append(settings, databaseSetting(service)+"="+url)
	}
	settings = append(settings, "LOYALTY_NOTIFICATIONS_STORE=postgres", "LOYALTY_TOKEN_KEY="+strings.TrimSpace(string(key)),
		"LOYALTY_LEDGER_KEY="+ledgerchain.GenerateKey(),
		"LOYALTY_INTERNAL_TOKEN=token of this benchmark run", "LOYALTY_TRUSTED_PROXIES=127.0.0.0/8",
		"LOYALTY_REGISTRATIONS_PER_ADDRESS=60000", "LOYALTY_FAILED_LOGINS_PER_ADDRESS=60000",
		"LOYALTY_REFRESHES_PER_SESSION=60000", "LOYALTY_SOCKETS_PER_ADDRESS=100000")
	f.settings = filepath.Join(f.env.folder, "loyalty.env")
	if err := os.WriteFile(f.settings, []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		return err
	}
	if err := f.run(ctx, "users", "promotions"); err != nil {
		return err
	}
	admin := exec.CommandContext(ctx, f.env.programs.loyalty, "admin", "--settings", f.settings, benchAdmin)
	admin.Stdin = strings.NewReader(benchPassword + "\n")
	if out, err := admin.CombinedOutput(); err != nil {
		return fmt.Errorf("loyalty admin: %w\n%s", err, out)
	}
	return nil
}

// createDatabase creates a database of a service. It returns a pool of the owner, and the URL for the role of the service.
// The fleet closes the pool.
func (f *fleet) createDatabase(ctx context.Context, service, name string) (*pgxpool.Pool, string, error) {
	if err := f.env.server.CreateDatabase(ctx, name); err != nil {
		return nil, "", err
	}
	if err := f.env.server.CreateRole(ctx, service, benchPassword); err != nil {
		return nil, "", err
	}
	migrations := map[string]fs.FS{
		"users": atlas.Users, "promotions": atlas.Promotions, "notifications": atlas.Notifications,
	}
	owner, role := f.env.server.URL(name), dbrole.Role{Name: service, Privileges: dbrole.Of(service)}
	if _, err := migrate.Up(ctx, owner, migrations[service], role, f.env.log); err != nil {
		return nil, "", err
	}
	pool, err := postgres.Open(ctx, owner, postgres.Options{ApplicationName: "bench"})
	if err != nil {
		return nil, "", err
	}
	f.servers.Cleanup(pool.Close)
	return pool, f.env.server.RoleURL(service, benchPassword, name), nil
}

// startServers starts Redis, the brokers and Nginx, and returns the settings of the services for them.
func (f *fleet) startServers() []string {
	s := f.servers
	brokers := kafkacluster.Start(s).Brokers()
	f.redis = redistest.Start(s).Address
	names := []string{"users", "promotions"}
	upstreams := map[string][]string{}
	for n := range notificationReplicas {
		names = append(names, notifications(n))
	}
	ports := testproc.FreePorts(s, len(names)+1)
	for i, name := range names {
		f.listen[name] = address(ports[i])
		upstreams[serviceOf(name)] = append(upstreams[serviceOf(name)], f.listen[name])
	}
	nginx := nginxtest.Start(s, nginxtest.Config{Replicas: upstreams, Limits: nginxtest.NoLimits})
	f.caller = newCaller("http://" + nginx.Address)
	f.kafka, _ = kgo.NewClient(kgo.SeedBrokers(brokers...)) // fails only if options contradict
	s.Cleanup(f.kafka.Close)
	ledger := address(ports[len(names)])
	return []string{
		"LOYALTY_REDIS_ADDRESS=" + f.redis, "LOYALTY_KAFKA_BROKERS=" + strings.Join(brokers, ","),
		"LOYALTY_JWKS_URL=http://" + f.listen["users"] + "/.well-known/jwks.json",
		"LOYALTY_INTERNAL_LISTEN=" + ledger, "LOYALTY_LEDGER_ADDRESS=" + ledger,
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func databaseSetting(service string) string {
	return "LOYALTY_" + strings.ToUpper(service) + "_DATABASE_URL"
}

// serviceOf returns the service of a process.
func serviceOf(name string) string {
	service, _, _ := strings.Cut(name, "-")
	return service
}

// openBus opens the bus on which the rows publish events themselves.
func (f *fleet) openBus(ctx context.Context) (err error) {
	brokers := f.kafka.OptValue(kgo.SeedBrokers).([]string)
	f.bus, err = kafka.New(ctx, kafka.Config{Brokers: brokers, ClientID: "bench"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	f.servers.Cleanup(f.bus.Close)
	description, err := f.bus.Describe(ctx)
	if err != nil {
		return err
	}
	f.env.machine.Kafka = description.Version
	f.env.machine.Redis, err = versionOf(ctx, "redis-server", "--version")
	if err != nil {
		return err
	}
	nginx, err := nginxtest.Find()
	if err != nil {
		return err
	}
	f.env.machine.Nginx, err = versionOf(ctx, nginx, "-v")
	return err
}

// run starts processes and waits until they are ready.
func (f *fleet) run(ctx context.Context, names ...string) error {
	for _, name := range names {
		diagnostics, err := freeAddr()
		if err != nil {
			return err
		}
		environ := append([]string{"LOYALTY_LISTEN=" + f.listen[name], "LOYALTY_DIAGNOSTICS_LISTEN=" + diagnostics},
			f.environ[name]...)
		p, err := f.env.start(name, f.env.programs.loyalty, []string{serviceOf(name), "--settings", f.settings}, environ...)
		if err != nil {
			return err
		}
		p.url, p.diagnostics = "http://"+f.listen[name], "http://"+diagnostics
		f.processes[name] = p
	}
	for _, name := range names {
		if err := f.processes[name].ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// restart stops the processes that run and starts new ones.
func (f *fleet) restart(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := f.halt(name); err != nil {
			return err
		}
	}
	return f.run(ctx, names...)
}

func (f *fleet) halt(name string) error {
	p := f.processes[name]
	if p == nil {
		return nil
	}
	delete(f.processes, name)
	return p.stop()
}

// scale starts or stops replicas of notifications until n run and share the partitions of their topic.
func (f *fleet) scale(ctx context.Context, n int) error {
	for i := range notificationReplicas {
		var err error
		switch running := f.processes[notifications(i)] != nil; {
		case running && i >= n:
			err = f.halt(notifications(i))
		case !running && i < n:
			err = f.run(ctx, notifications(i))
		}
		if err != nil {
			return err
		}
	}
	return f.balanced(ctx, n)
}

// balanced waits until the consumer group of notifications has n members, each with partitions.
func (f *fleet) balanced(ctx context.Context, n int) error {
	const group = "notifications.notifications"
	return await(ctx, func() error {
		described, err := kadm.NewClient(f.kafka).DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		members := described[group].Members
		for _, m := range members {
			assigned, ok := m.Assigned.AsConsumer()
			if !ok || len(assigned.Topics) == 0 || len(assigned.Topics[0].Partitions) == 0 {
				return fmt.Errorf("a member of group %s has no partitions", group)
			}
		}
		if len(members) != n || n > 0 && described[group].State != "Stable" {
			return fmt.Errorf("group %s has %d members and is %s, want %d", group, len(members), described[group].State, n)
		}
		return nil
	})
}

// settled waits until the processes have no work left, such as handling events.
func (f *fleet) settled(ctx context.Context) error {
	return settled(ctx, slices.Collect(maps.Values(f.processes))...)
}

// close stops all processes and servers.
func (f *fleet) close() error {
	var errs []error
	for _, p := range f.processes {
		errs = append(errs, p.stop())
	}
	f.servers.close()
	return errors.Join(errs...)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
