package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

// TestCheckPlatform checks a complete set-up on real servers, and then the same set-up with one wrong setting or server.
func TestCheckPlatform(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	code, output := runChecks(t, p.settings)
	if code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	for _, want := range [][]string{
		{"users database", "connected; the server is PostgreSQL 1"},
		{"users database", "fsync, full_page_writes and synchronous_commit are on"},
		{"users database", "migrations of this program are applied"},
		{"users database", `the role "service" owns no tables`},
		{"users database", "has the privileges that the service needs, and no more"},
		{"users database", "the replicas open 153 at most"},
		{"users database", "UPDATE, DELETE and TRUNCATE of transactions are refused"},
		{"promotions database", "the clock differs by less than 1s"},
		{"notifications database", "are applied"},
		{"Redis", "connected; the server is Redis"},
		{"Redis", "the server evicts no keys"},
		{"Redis", "appendonly is on"},
		{"Kafka", "connected"},
		{"Kafka", "have 3 or more replicas in sync"},
		{"token keys", "LOYALTY_TOKEN_KEY is one of the published keys"},
		{"ledger", "accepts LOYALTY_INTERNAL_TOKEN (not encrypted)"},
		{"this machine", "forwarded client addresses"},
	} {
		if !hasLine(output, "ok", want...) {
			t.Errorf("no line with %q", want)
		}
	}
	if !hasLine(output, "skip", "MongoDB", "LOYALTY_MONGODB_URL is not set") || strings.Contains(output, "fail") || t.Failed() {
		t.Errorf("output:\n%s", output)
	}
	_, other, _ := run(t, "keygen")
	for name, tt := range map[string]struct {
		setting string
		want    []string
	}{
		"wrong token key":      {"LOYALTY_TOKEN_KEY=" + strings.TrimSpace(other), []string{"token keys", "is not one of the published keys"}},
		"wrong internal token": {"LOYALTY_INTERNAL_TOKEN=another hunter2 token", []string{"ledger", "the users service refuses LOYALTY_INTERNAL_TOKEN"}},
		"no internal token":    {"LOYALTY_INTERNAL_TOKEN=", []string{"ledger", "LOYALTY_INTERNAL_TOKEN is not set"}},
		"wrong ledger address": {"LOYALTY_LEDGER_ADDRESS=" + free(t), []string{"ledger", "the ledger does not answer", "connection refused"}},
		"wrong JWKS address":   {"LOYALTY_JWKS_URL=http://" + free(t) + "/", []string{"token keys", "cannot be fetched", "connection refused"}},
		"superuser":            {"LOYALTY_USERS_DATABASE_URL=" + p.postgres.URL("users"), []string{"users database", "is a superuser"}},
	} {
		code, output := runChecks(t, with(p.settings, tt.setting))
		if code != 1 || !hasLine(output, "fail", tt.want...) {
			t.Errorf("%s: exit %d, want 1 and the line %q:\n%s", name, code, tt.want, output)
		}
	}
}

// TestCheckDatabase checks databases with one fault each.
func TestCheckDatabase(t *testing.T) {
	t.Parallel()
	s := startCheckServer(t)
	good := s.database(t, "good", atlas.Users)
	for name, tt := range map[string]struct {
		url   func() string
		level string
		want  string
	}{
		"good":           {func() string { return good }, "ok", "UPDATE, DELETE and TRUNCATE of transactions are refused"},
		"wrong password": {func() string { return strings.Replace(good, servicePassword, "wrong", 1) }, "fail", "password authentication failed"},
		"wrong port":     {func() string { return strings.Replace(good, s.Addr(), free(t), 1) }, "fail", "connection refused"},
		"wrong database": {func() string { return strings.Replace(good, "/good", "/none", 1) }, "fail", `database "none" does not exist`},
		"other service":  {func() string { return s.database(t, "other", atlas.Promotions) }, "fail", "does it belong to another service"},
		"owner": {func() string {
			url := s.database(t, "owned", atlas.Users)
			s.exec(t, "owned", "ALTER TABLE transactions OWNER TO service")
			return url
		}, "fail", `the role "service" owns tables and can drop their rules: transactions`},
		"owner of the database": {func() string {
			url := s.database(t, "mine", atlas.Users)
			s.exec(t, "mine", "ALTER DATABASE mine OWNER TO service")
			return url
		}, "fail", "owns the schema public and can drop its tables"},
		"missing privileges": {func() string {
			url := s.database(t, "revoked", atlas.Users)
			s.exec(t, "revoked", "REVOKE INSERT, DELETE ON outbox FROM service; REVOKE UPDATE (is_active) ON users FROM service")
			return url
		}, "fail", "the role lacks privileges: outbox: DELETE; outbox: INSERT (content_type, event_id, id, key, payload, " +
			"shard, source, time, topic, traceparent, type); users: UPDATE (is_active)"},
		"too many privileges": {func() string {
			url := s.database(t, "granted", atlas.Users)
			s.exec(t, "granted", "GRANT UPDATE (balance) ON users TO PUBLIC; GRANT TRUNCATE ON transactions TO service")
			return url
		}, "fail", "the role has privileges that the service does not need: transactions: TRUNCATE; users: UPDATE (balance)"},
		"unreadable revisions": {func() string {
			url := s.database(t, "secret", atlas.Users)
			s.exec(t, "secret", "REVOKE SELECT ON atlas_schema_revisions FROM service")
			return url
		}, "fail", "the role cannot read public.atlas_schema_revisions"},
		"disabled trigger": {func() string {
			url := s.database(t, "disabled", atlas.Users)
			s.exec(t, "disabled", "ALTER TABLE transactions DISABLE TRIGGER transactions_append_only; "+
				"GRANT UPDATE, DELETE ON transactions TO service")
			return url
		}, "fail", "UPDATE, DELETE of transactions are possible"},
		"dropped trigger without privileges": {func() string {
			url := s.database(t, "dropped", atlas.Users)
			s.exec(t, "dropped", "DROP TRIGGER transactions_append_only ON transactions")
			return url
		}, "warn", "the append-only trigger of transactions is missing"},
		"synchronous_commit": {func() string { return good + "&synchronous_commit=off" }, "fail", "synchronous_commit is off"},
	} {
		code, output := runChecks(t, map[string]string{"LOYALTY_USERS_DATABASE_URL": tt.url()})
		want := 0
		if tt.level == "fail" {
			want = 1
		}
		if code != want || !hasLine(output, tt.level, "users database", tt.want) {
			t.Errorf("%s: exit %d, want %d and a line %q with %q:\n%s", name, code, want, tt.level, tt.want, output)
		}
	}
	if _, output := runChecks(t, map[string]string{"LOYALTY_USERS_DATABASE_URL": good}, "--replicas", "20"); !hasLine(output, "warn",
		"the replicas may open 340 connections to this server, which accepts 197") {
		t.Errorf("20 replicas: no warning about connections:\n%s", output)
	}
	s.exec(t, "postgres", "ALTER SYSTEM SET fsync = off")
	s.exec(t, "postgres", "ALTER SYSTEM SET full_page_writes = off")
	s.exec(t, "postgres", "SELECT pg_reload_conf()")
	end := time.Now().Add(checkWait)
	for { // until the server has read its configuration
		code, output := runChecks(t, map[string]string{"LOYALTY_USERS_DATABASE_URL": good})
		if code == 1 && hasLine(output, "fail", "fsync is off") && hasLine(output, "fail", "full_page_writes is off") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("fsync and full_page_writes are off: exit %d:\n%s", code, output)
		}
	}
}

// TestCheckPreflight checks an installation whose databases and topics do not exist yet.
func TestCheckPreflight(t *testing.T) {
	t.Parallel()
	s := startCheckServer(t)
	settings := map[string]string{
		"LOYALTY_USERS_DATABASE_URL": s.database(t, "users", nil), "LOYALTY_KAFKA_BROKERS": startCheckKafka(t),
		"LOYALTY_LEDGER_ADDRESS": free(t), "LOYALTY_INTERNAL_TOKEN": "the services' own hunter2",
		"LOYALTY_JWKS_URL": "http://" + free(t) + "/",
	}
	for level, args := range map[string][]string{"fail": nil, "warn": {"--preflight"}} {
		code, output := runChecks(t, settings, args...)
		if want := map[string]int{"fail": 1, "warn": 0}[level]; code != want {
			t.Errorf("%v: exit %d, want %d", args, code, want)
		}
		for _, want := range [][]string{
			{"users database", "pending: 2", "run loyalty migrate up users"}, {"Kafka", "topics do not exist: "},
			{"token keys", "cannot be fetched"}, {"ledger", "does not answer"},
		} {
			if !hasLine(output, level, want...) {
				t.Errorf("%v: no line %q with %q:\n%s", args, level, want, output)
			}
		}
	}
}

// TestCheckPrivilegesDuringAnUpgrade checks databases of the previous release before its migrations, and of the next release.
func TestCheckPrivilegesDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	s := startCheckServer(t)
	previous, next := s.database(t, "previous", atlas.Users), s.database(t, "next", atlas.Users)
	const grant = "GRANT UPDATE (email) ON users TO service; "
	s.exec(t, "previous", grant+"REVOKE INSERT ON outbox FROM service; "+
		"DELETE FROM atlas_schema_revisions WHERE version = (SELECT max(version) FROM atlas_schema_revisions)")
	s.exec(t, "next", grant+`INSERT INTO atlas_schema_revisions
		SELECT (jsonb_populate_record(r, '{"version": "29991231000000"}')).* FROM atlas_schema_revisions r LIMIT 1`)
	const lacks, exceeds = "the role lacks privileges: outbox: INSERT", "the role has privileges that the service does not need"
	for name, tt := range map[string]struct {
		url   string
		args  []string
		level string
		want  []string
	}{
		"before the migrations":                 {previous, []string{"--preflight"}, "warn", []string{lacks, exceeds}},
		"before the migrations, not preflight":  {previous, nil, "fail", []string{lacks, exceeds}},
		"after the migrations of a new release": {next, nil, "warn", []string{exceeds}},
	} {
		code, output := runChecks(t, map[string]string{"LOYALTY_USERS_DATABASE_URL": tt.url}, tt.args...)
		if want := map[string]int{"fail": 1}[tt.level]; code != want {
			t.Errorf("%s: exit %d, want %d:\n%s", name, code, want, output)
		}
		for _, want := range tt.want {
			if !hasLine(output, tt.level, "users database", want) {
				t.Errorf("%s: no line %q with %q:\n%s", name, tt.level, want, output)
			}
		}
	}
}

// TestCheckRedis checks Redis servers with one fault each.
func TestCheckRedis(t *testing.T) {
	t.Parallel()
	durable := []string{"--appendonly", "yes"}
	password := redistest.Start(t, append(durable, "--requirepass", servicePassword)...)
	master := redistest.Start(t, durable...)
	host, port, _ := strings.Cut(master.Address, ":")
	replica := redistest.Start(t, "--replicaof", host, port)
	frozen := redistest.Start(t, durable...)
	frozen.Freeze(t)
	for name, tt := range map[string]struct {
		settings []string
		level    string
		want     string
	}{
		"password":        {[]string{"ADDRESS=" + password.Address, "PASSWORD=" + servicePassword}, "ok", "evicts no keys"},
		"wrong password":  {[]string{"ADDRESS=" + password.Address, "PASSWORD=wrong"}, "fail", "WRONGPASS"},
		"wrong port":      {[]string{"ADDRESS=" + free(t)}, "fail", "connection refused"},
		"not persistent":  {[]string{"ADDRESS=" + redistest.Start(t).Address}, "warn", "appendonly is off"},
		"replica":         {[]string{"ADDRESS=" + replica.Address}, "fail", "read-only replica"},
		"frozen":          {[]string{"ADDRESS=" + frozen.Address}, "fail", "cannot connect"},
		"evicting":        {[]string{"ADDRESS=" + evicting(t, "100mb")}, "fail", `maxmemory-policy is "allkeys-lru"`},
		"evicting later":  {[]string{"ADDRESS=" + evicting(t, "0")}, "warn", `maxmemory-policy is "allkeys-lru"`},
		"missing replica": {[]string{"ADDRESS=" + password.Address, "PASSWORD=" + servicePassword, "REPLICAS=" + free(t)}, "warn", "0 of 1 wanted replica"},
		"half a Sentinel": {[]string{"SENTINELS=" + free(t)}, "fail", "LOYALTY_REDIS_SENTINELS must be set together"},
	} {
		settings := map[string]string{}
		for _, s := range tt.settings {
			settings = with(settings, "LOYALTY_REDIS_"+s)
		}
		code, output := runChecks(t, settings)
		if want := map[string]int{"fail": 1}[tt.level]; code != want || !hasLine(output, tt.level, "Redis ", tt.want) {
			t.Errorf("%s: exit %d, want %d and a line %q with %q:\n%s", name, code, want, tt.level, tt.want, output)
		}
	}
	end := time.Now().Add(checkWait)
	for { // until the replica has its first copy
		_, output := runChecks(t, map[string]string{"LOYALTY_REDIS_ADDRESS": master.Address})
		if hasLine(output, "ok", "1 replica follow") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no line about the replica:\n%s", output)
		}
	}
}

// evicting starts a Redis server that deletes keys once it uses the given memory, and returns its address.
func evicting(t *testing.T, memory string) string {
	t.Helper()
	return redistest.Start(t, "--appendonly", "yes", "--maxmemory", memory, "--maxmemory-policy", "allkeys-lru").Address
}

// TestCheckBus checks a topic with one replica, a topic that acknowledges too early, and servers that cannot be reached.
func TestCheckBus(t *testing.T) {
	t.Parallel()
	brokers := startCheckKafka(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	one := "1"
	early := map[string]*string{"min.insync.replicas": &one}
	for topic, replicas := range map[string]int16{"players": 1, "transactions": 3} {
		if _, err := admin.CreateTopic(t.Context(), 1, replicas, early, topic); err != nil {
			t.Fatal(err)
		}
	}
	nats := startCheckNATS(t)
	for name, tt := range map[string]struct {
		settings []string
		want     []string
	}{
		"replication":    {[]string{"LOYALTY_KAFKA_BROKERS=" + brokers}, []string{"Kafka", "topic players has 1 of 3 replicas"}},
		"min.insync":     {[]string{"LOYALTY_KAFKA_BROKERS=" + brokers}, []string{"Kafka", "topic transactions acknowledges an event that only 1"}},
		"missing topics": {[]string{"LOYALTY_KAFKA_BROKERS=" + brokers}, []string{"Kafka", "topics do not exist: ", "players.dlq"}},
		"session timeout": {
			[]string{"LOYALTY_KAFKA_BROKERS=" + brokers, "LOYALTY_KAFKA_SESSION_TIMEOUT=3s"},
			[]string{"Kafka", "refuses consumers: LOYALTY_KAFKA_SESSION_TIMEOUT is 3s, but group.min.session.timeout.ms of the brokers is 6000"},
		},
		"Kafka is down":     {[]string{"LOYALTY_KAFKA_BROKERS=" + free(t)}, []string{"Kafka", "cannot connect", "connection refused"}},
		"NATS is down":      {[]string{"LOYALTY_BUS=nats", "LOYALTY_NATS_URL=nats://user:hunter2@" + free(t)}, []string{"NATS", "cannot connect", "connection refused"}},
		"NATS password":     {[]string{"LOYALTY_BUS=nats", "LOYALTY_NATS_URL=nats://user:wrong@" + nats}, []string{"NATS", "Authorization Violation"}},
		"NATS without data": {[]string{"LOYALTY_BUS=nats", "LOYALTY_NATS_URL=nats://user:hunter2@" + nats}, []string{"NATS", "topics do not exist"}},
	} {
		code, output := runChecks(t, with(nil, tt.settings...))
		if code != 1 || !hasLine(output, "fail", tt.want...) {
			t.Errorf("%s: exit %d, want 1 and a line with %q:\n%s", name, code, tt.want, output)
		}
	}
}

// startCheckNATS starts a server with a password and returns its address.
func startCheckNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		Username: "user", Password: servicePassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(checkWait) {
		t.Fatal("the server is not ready")
	}
	return s.Addr().String()
}

// TestCheckSentinel checks a master with a sentinel that is up, a sentinel without a quorum, and an address where no
// sentinel runs.
func TestCheckSentinel(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, "--appendonly", "yes")
	up, alone := startSentinel(t, master, 1), startSentinel(t, master, 3)
	code, output := runChecks(t, map[string]string{
		"LOYALTY_REDIS_SENTINEL_MASTER": "m", "LOYALTY_REDIS_SENTINELS": strings.Join([]string{up, alone, free(t)}, ","),
	})
	if code != 1 || !hasLine(output, "ok", "Sentinel "+up, "usable Sentinels") || !hasLine(output, "ok", "Redis ", "evicts no keys") ||
		!hasLine(output, "fail", "Sentinel "+alone, "NOQUORUM") || !hasLine(output, "fail", "Sentinel", "connection refused") ||
		!hasLine(output, "warn", "Redis ", "0 of 1 wanted replica") {
		t.Errorf("exit %d:\n%s", code, output)
	}
}

// TestCheckJSON checks the format of --json.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	code, output := runChecks(t, nil, "--json")
	if code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	for line := range strings.Lines(output) {
		var finding struct{ Level, Subject, Finding string }
		if err := json.Unmarshal([]byte(line), &finding); err != nil || finding.Level == "" || finding.Subject == "" || finding.Finding == "" {
			t.Errorf("line %q: %v", line, err)
		}
	}
	if strings.Count(output, `"level":"skip"`) != 8 {
		t.Errorf("want 8 skipped subjects:\n%s", output)
	}
}

// startSentinel starts a sentinel that monitors a server, and returns its address.
func startSentinel(t *testing.T, master *redistest.Server, quorum int) string {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Address)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor m %s %s %d\n", host, port, quorum)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return redistest.StartSentinel(t, config).Address
}
