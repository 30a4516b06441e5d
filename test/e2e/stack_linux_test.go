package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/dnstest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
	"github.com/casino-loyalty/loyalty/internal/tracing/jaegertest"
)

// hosts are the addresses of the replicas: the first replica of each service runs on the first host, and so on.
func hosts() []string { return []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"} }

// stack is the platform as it runs in production, without containers: three replicas of each service behind Nginx, three
// Kafka brokers with the users and permissions of deploy/kafka, a Redis master with a replica and three sentinels,
// PostgreSQL, and Jaeger. Nothing is shared with other tests, so every process can be killed.
type stack struct {
	*cluster
	nginx        *nginxtest.Server
	jaeger       *jaegertest.Server
	kafka        *kafkacluster.Cluster
	redis        []*redistest.Server
	sentinelAddr string // the sentinel that the method master asks
	data         string // the data directory of PostgreSQL
	server       *pgserver.Server
	pools        map[string]*pgxpool.Pool
	links        map[string]*link // between promotions and each replica of users
	forbidCreate func()           // ends the permission of the last release to create topics
}

// startStack starts everything and creates the admin. The program at the path program migrates the databases and runs the
// services. If the path is empty, the program of this source tree does so.
func startStack(t *testing.T, program string) *stack {
	t.Helper()
	brokers := kafkacluster.StartSecured(t) // skips the test if there are no real brokers
	build(t)
	s := &stack{kafka: brokers, cluster: emptyCluster(t), pools: map[string]*pgxpool.Pool{}, links: map[string]*link{}}
	s.program = program
	s.createKafkaUsers()
	s.jaeger = jaegertest.Start(t)
	s.startPostgres()
	sentinels := s.startRedis()
	ports := testproc.FreePorts(t, 5, hosts()...)
	upstreams := map[string][]string{}
	for i, service := range services {
		for n, host := range hosts() {
			name := replica(service, n)
			s.listen[name] = net.JoinHostPort(host, strconv.Itoa(ports[i]))
			s.replicas[service] = append(s.replicas[service], name)
			upstreams[service] = append(upstreams[service], s.listen[name])
			s.environ[name] = append(s.createRole(name), kafkaCredentials(service)...)
		}
	}
	for n, host := range hosts() { // promotions calls users through links, which can hold the answers back
		name, internal := replica("users", n), net.JoinHostPort(host, strconv.Itoa(ports[4]))
		s.links[name] = startLink(t, net.JoinHostPort(host, strconv.Itoa(ports[3])), internal)
		s.environ[name] = append(s.environ[name], "LOYALTY_INTERNAL_LISTEN="+internal)
		s.ledger = internal
	}
	names := dnstest.Start(t)
	names.Set(hosts()...)
	s.nginx = nginxtest.Start(t, nginxtest.Config{Replicas: upstreams, Limits: nginxtest.NoLimits})
	s.url, s.grpcURL = "http://"+s.nginx.Address, "http://"+s.nginx.HTTP2Address
	s.tokenKey = tokenKey(t)
	s.settings = filepath.Join(t.TempDir(), "loyalty.env")
	settings := strings.Join(append(append(anomalyLimits(),
		"LOYALTY_USERS_DATABASE_URL="+s.databases["users"].service,
		"LOYALTY_PROMOTIONS_DATABASE_URL="+s.databases["promotions"].service,
		"LOYALTY_NOTIFICATIONS_DATABASE_URL="+s.databases["notifications"].service,
		"LOYALTY_NOTIFICATIONS_STORE=postgres",
		"LOYALTY_REDIS_SENTINEL_MASTER="+masterSet, "LOYALTY_REDIS_SENTINELS="+strings.Join(sentinels, ","),
		"LOYALTY_KAFKA_BROKERS="+strings.Join(s.kafka.Brokers(), ","), "LOYALTY_KAFKA_PARTITIONS=6",
		"LOYALTY_KAFKA_SESSION_TIMEOUT=3s",
		"LOYALTY_JWKS_URL="+s.url+"/.well-known/jwks.json",
		"LOYALTY_LEDGER_ADDRESS=dns://"+names.Address+"/users.test:"+strconv.Itoa(ports[3]),
		"LOYALTY_INTERNAL_TOKEN=the services' own secret",
		"LOYALTY_INSECURE_LEDGER=no-tls", // the names of a DNS server for tests are not loopback addresses
		"LOYALTY_LEDGER_KEY="+ledgerKey(),
		"LOYALTY_TOKEN_KEY_FILE="+s.tokenKey,
		"LOYALTY_REGISTRATIONS_PER_ADDRESS=60000", "LOYALTY_FAILED_LOGINS_PER_ADDRESS=60000",
		"LOYALTY_SOCKETS_PER_ADDRESS=100000",
		"LOYALTY_TRUSTED_PROXIES=127.0.0.0/8",
		"LOYALTY_TRACES_ENDPOINT="+s.jaeger.Endpoint,
	), kafkaCredentials(operator)...), "\n") // the user of commands; replicas override it
	if err := os.WriteFile(s.settings, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	s.createTopics()
	for name := range s.listen {
		s.launch(name)
	}
	for name := range s.listen {
		s.awaitReplica(name)
	}
	eventually(t, "the platform is healthy", func() error { return healthy(s.url) })
	s.createAdmin()
	return s
}

// database returns a pool of connections to the database of a service.
func (s *stack) database(service string) *pgxpool.Pool {
	if s.pools[service] == nil {
		s.pools[service] = s.cluster.database(service)
	}
	return s.pools[service]
}

// endWelcomeBonuses deactivates the welcome bonuses, so that they are not assigned to new players.
func (s *stack) endWelcomeBonuses() {
	staff := newStaff(s.t, s.admin(s.t))
	for _, bonus := range staff.call(200, "GET", "/api/v1/promotions?type=WELCOME_BONUS&is_active=true", nil).list("promotions") {
		staff.call(200, "PATCH", "/api/v1/promotions/"+text(bonus, "id"), object{"isActive": false})
	}
}

// startPostgres starts the server and creates the databases. It uses the settings of production: a commit is on the disk
// before it is acknowledged.
func (s *stack) startPostgres() {
	t := s.t
	t.Helper()
	s.data = dataDir(t)
	s.launchPostgres(testproc.FreePorts(t, 1)[0])
	t.Cleanup(func() {
		if err := s.server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, service := range services {
		s.databases[service] = database{s.server.URL(service), s.server.RoleURL(service, rolePassword, service)}
		err := errors.Join(s.server.CreateDatabase(t.Context(), service), s.server.CreateRole(t.Context(), service, rolePassword))
		if err == nil && s.program != "" { // releases before dbrole need it
			_, err = connectTo(t, s.databases[service].owner).Exec(t.Context(),
				"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "+service)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.migrate()
}

// rolePassword is the password of the database roles of services and replicas.
const rolePassword = "replica"

// migrate migrates the databases with the command loyalty migrate up.
func (s *stack) migrate() {
	s.t.Helper()
	command := exec.Command(cmp.Or(s.program, programs.loyalty), "migrate", "up")
	command.Env = append(os.Environ(), ownerSettings(s.t, s.databases)...)
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("loyalty migrate up: %v\n%s", err, out)
	}
}

func (s *stack) launchPostgres(port int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), timeout)
	defer cancel()
	server, err := pgserver.Start(ctx, pgserver.Options{
		DataDir: filepath.Join(s.data, "postgres"), Port: port,
		Settings: map[string]string{"max_connections": "300"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

// killPostgres kills the postmaster with SIGKILL. Its child processes end when they notice.
func (s *stack) killPostgres() {
	s.t.Helper()
	if err := syscall.Kill(s.server.PID(), syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	<-s.server.Done()
	if err := s.server.Stop(s.t.Context()); err != nil { // releases the data directory
		s.t.Fatal(err)
	}
}

// restartPostgres starts the killed server on the same port. It returns when the server accepts connections.
func (s *stack) restartPostgres() {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.server.Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		s.t.Fatal(err)
	}
	s.launchPostgres(n)
}

// createRole creates a database role named after the replica, and returns the setting with the database URL for that role.
// It is a member of the role of the service, and has no other privileges. Each replica has its own role, so that a test can
// tell which replica's statement waits for a lock.
func (s *stack) createRole(name string) []string {
	t := s.t
	t.Helper()
	service := serviceOf(name)
	err := s.server.CreateRole(t.Context(), name, rolePassword)
	if err == nil {
		conn := connectTo(t, s.databases[service].owner)
		_, err = conn.Exec(t.Context(), "GRANT "+service+" TO "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		t.Fatal(err)
	}
	return []string{"LOYALTY_" + strings.ToUpper(service) + "_DATABASE_URL=" + s.server.RoleURL(name, rolePassword, service)}
}

const masterSet = "loyalty"

// startRedis starts the master, its replica and three sentinels, and returns the addresses of the sentinels when they know
// the replica.
func (s *stack) startRedis() []string {
	t := s.t
	t.Helper()
	master := redistest.Start(t)
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.redis = []*redistest.Server{master, redistest.Start(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")}
	var sentinels []string
	for n := range 3 {
		config := filepath.Join(t.TempDir(), "sentinel.conf")
		content := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 2\nsentinel down-after-milliseconds %[1]s 1000\n"+
			"sentinel failover-timeout %[1]s 5000\n", masterSet, host, port)
		if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
			t.Fatal(n, err)
		}
		sentinels = append(sentinels, redistest.StartSentinel(t, config).Address)
	}
	s.sentinelAddr = sentinels[0]
	s.awaitRedisReplica(s.redis[1])
	for _, sentinel := range sentinels {
		eventually(t, "the sentinel knows the replica and the other sentinels", func() error {
			fields, err := s.sentinel(sentinel, "MASTER")
			if err == nil && (fields["num-slaves"] != "1" || fields["num-other-sentinels"] != "2") {
				err = fmt.Errorf("%v", fields)
			}
			return err
		})
	}
	return sentinels
}

// sentinel returns what a sentinel knows about the master set.
func (s *stack) sentinel(address, command string) (map[string]string, error) {
	client, err := redis.Open(s.t.Context(), redis.Config{Address: address, Plain: true}) // a sentinel has no client-side caching
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), timeout)
	defer cancel()
	return client.Do(ctx, client.B().Arbitrary("SENTINEL", command, masterSet).Build()).AsStrMap()
}

// master returns the Redis server that is the master according to a sentinel, and the other one.
func (s *stack) master() (master, other *redistest.Server) {
	t := s.t
	t.Helper()
	fields, err := s.sentinel(s.sentinelAddr, "MASTER")
	if err != nil {
		t.Fatal(err)
	}
	n := slices.IndexFunc(s.redis, func(r *redistest.Server) bool {
		return r.Address == net.JoinHostPort(fields["ip"], fields["port"])
	})
	if n < 0 {
		t.Fatalf("the sentinel names %v as the master", fields)
	}
	return s.redis[n], s.redis[1-n]
}

// awaitRedisReplica waits until a server has copied the data of its master.
func (s *stack) awaitRedisReplica(server *redistest.Server) {
	s.t.Helper()
	eventually(s.t, "the Redis replica has the data of its master", func() error {
		client, err := redis.Open(s.t.Context(), redis.Config{Address: server.Address})
		if err != nil {
			return err
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(s.t.Context(), timeout)
		defer cancel()
		info, err := client.Do(ctx, client.B().Info().Section("replication").Build()).ToString()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New(info)
		}
		return err
	})
}

// rejoin starts a killed server as the replica of the new master.
func (s *stack) rejoin(server, master *redistest.Server) {
	t := s.t
	t.Helper()
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	server.Restart(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	s.awaitRedisReplica(server)
}
