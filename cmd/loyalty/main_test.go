package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = dispatch(t.Context(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no command":              {nil, 2, "usage: loyalty COMMAND"},
		"unknown command":         {[]string{"dance"}, 2, `unknown command "dance"`},
		"unknown kind of key":     {[]string{"keygen", "horses"}, 2, `unknown kind of key "horses"`},
		"migrate without a verb":  {[]string{"migrate"}, 2, "usage: loyalty migrate"},
		"unknown topic":           {[]string{"events", "replay", "horses"}, 2, "usage: loyalty events"},
		"reset and if-missing":    {[]string{"admin", "--reset", "--if-missing", "a@b.example"}, 2, "--reset and --if-missing exclude each other"},
		"admin without an e-mail": {[]string{"admin"}, 2, "usage: loyalty admin [--reset|--if-missing] [--password-file FILE] EMAIL"},
		"unknown flag":            {[]string{"verify", "--fast"}, 2, "unknown flag --fast"},
		"extra argument":          {[]string{"verify", "loyalty.env"}, 2, `unexpected argument "loyalty.env"`},
		"malformed delay":         {[]string{"verify", "--delay", "soon"}, 2, "--delay: must be a duration of 0s or more"},
		"negative delay":          {[]string{"verify", "--delay=-1s"}, 2, "--delay: must be a duration of 0s or more"},
		"negative dead letters":   {[]string{"verify", "--dead-letters", "-3"}, 2, "--dead-letters: must be a whole number from 0 to"},
		"flag before verb":        {[]string{"migrate", "--settings", "/dev/null", "up"}, 1, "DATABASE_URL is set"},
		"flag after arguments":    {[]string{"events", "dead", "players", "--settings", "/dev/null"}, 1, "LOYALTY_KAFKA_BROKERS is not set"},
	} {
		if code, _, stderr := run(t, tt.args...); code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d with %q, want %d with %q", name, code, stderr, tt.code, tt.want)
		}
	}
	for _, args := range [][]string{{"help"}, {"--help"}} {
		if code, stdout, _ := run(t, args...); code != 0 || !strings.Contains(stdout, "verify") {
			t.Errorf("%v: exit %d with %q, want 0 with the command verify", args, code, stdout)
		}
	}
	if code, _, stderr := run(t, "verify", "--help"); code != 0 || !strings.Contains(stderr, "  --delay age\n") {
		t.Errorf("verify --help: exit %d with %q, want 0 with the flag --delay", code, stderr)
	}
}

func TestConfigurationErrors(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2hunter2"
	_, key, _ := run(t, "keygen")
	complete := map[string]string{
		"LOYALTY_USERS_DATABASE_URL": "postgres://u:" + secret + "@127.0.0.1:1/users", "LOYALTY_REDIS_ADDRESS": "127.0.0.1:1",
		"LOYALTY_PROMOTIONS_DATABASE_URL": "postgres://u:" + secret + "@127.0.0.1:1/promotions",
		"LOYALTY_NOTIFICATIONS_STORE":     "postgres", "LOYALTY_NOTIFICATIONS_DATABASE_URL": "postgres://u:" + secret + "@127.0.0.1:1/n",
		"LOYALTY_TOKEN_KEY": secret, "LOYALTY_LEDGER_KEY": ledgerchain.GenerateKey(), "LOYALTY_INTERNAL_TOKEN": secret, "LOYALTY_LEDGER_ADDRESS": "127.0.0.1:1",
		"LOYALTY_JWKS_URL": "http://127.0.0.1:1/jwks.json", "LOYALTY_KAFKA_BROKERS": "127.0.0.1:1",
		"LOYALTY_INTERNAL_LISTEN": "127.0.0.1:0",
	}
	for name, tt := range map[string]struct {
		command, drop, set, want string
	}{
		"missing users database":               {"users", "LOYALTY_USERS_DATABASE_URL", "", "LOYALTY_USERS_DATABASE_URL is not set"},
		"missing token key":                    {"users", "LOYALTY_TOKEN_KEY", "", "LOYALTY_TOKEN_KEY is not set"},
		"malformed token key":                  {"users", "", "", "LOYALTY_TOKEN_KEY must be a key in PEM"},
		"missing ledger key":                   {"users", "LOYALTY_LEDGER_KEY", "", "LOYALTY_LEDGER_KEY is not set"},
		"short ledger key":                     {"users", "", "LOYALTY_LEDGER_KEY=" + secret, "LOYALTY_LEDGER_KEY must be at least 32 random bytes in base64"},
		"verify: missing ledger key":           {"verify", "LOYALTY_LEDGER_KEY", "", "LOYALTY_LEDGER_KEY is not set"},
		"verify: malformed other ledger key":   {"verify", "", "LOYALTY_LEDGER_OTHER_KEYS=" + secret, "LOYALTY_LEDGER_OTHER_KEYS must be at least 32 random bytes in base64"},
		"missing internal token":               {"users", "LOYALTY_INTERNAL_TOKEN", "", "LOYALTY_INTERNAL_TOKEN is not set"},
		"missing ledger address":               {"promotions", "LOYALTY_LEDGER_ADDRESS", "", "LOYALTY_LEDGER_ADDRESS is not set"},
		"missing JWKS URL":                     {"promotions", "LOYALTY_JWKS_URL", "", "LOYALTY_JWKS_URL is not set"},
		"missing Kafka brokers":                {"promotions", "LOYALTY_KAFKA_BROKERS", "", "LOYALTY_KAFKA_BROKERS is not set"},
		"Kafka user without a password":        {"promotions", "", "LOYALTY_KAFKA_USERNAME=loyalty", "LOYALTY_KAFKA_PASSWORD must be set together"},
		"long session timeout":                 {"users", "", "LOYALTY_KAFKA_SESSION_TIMEOUT=1h", "LOYALTY_KAFKA_SESSION_TIMEOUT must be from 1s to 1m"},
		"short internal token":                 {"users", "", "LOYALTY_INTERNAL_TOKEN=short", "LOYALTY_INTERNAL_TOKEN must have 16 characters or more"},
		"half of mutual TLS":                   {"promotions", "", "LOYALTY_INTERNAL_TLS_KEY=/key.pem", "LOYALTY_INTERNAL_TLS_CERTIFICATE, LOYALTY_INTERNAL_TLS_KEY and LOYALTY_INTERNAL_TLS_CA must be set together"},
		"TLS file that does not exist":         {"users", "", "LOYALTY_INTERNAL_TLS_CERTIFICATE=" + secret + "\nLOYALTY_INTERNAL_TLS_KEY=k\nLOYALTY_INTERNAL_TLS_CA=c", "LOYALTY_INTERNAL_TLS_CERTIFICATE: the file cannot be read: no such file or directory"},
		"malformed ledger address":             {"promotions", "", "LOYALTY_LEDGER_ADDRESS=dns://10.0.0.2/users", "LOYALTY_LEDGER_ADDRESS must be host:port or dns://SERVER/HOST:PORT"},
		"no refreshes":                         {"users", "", "LOYALTY_REFRESHES_PER_SESSION=0", "LOYALTY_REFRESHES_PER_SESSION must be a whole number from 1 to 60000"},
		"negative limit":                       {"users", "", "LOYALTY_REGISTRATIONS_PER_ADDRESS=-1", "LOYALTY_REGISTRATIONS_PER_ADDRESS must be a whole number from 1 to 60000"},
		"limit too high":                       {"users", "", "LOYALTY_FAILED_LOGINS_PER_ADDRESS=60001", "LOYALTY_FAILED_LOGINS_PER_ADDRESS must be a whole number from 1 to 60000"},
		"session lifetime too short":           {"users", "", "LOYALTY_SESSION_LIFETIME=59s", "LOYALTY_SESSION_LIFETIME must be a duration from 1m to 8760h"},
		"freshness of factors too short":       {"users", "", "LOYALTY_MFA_FRESHNESS=59s", "LOYALTY_MFA_FRESHNESS must be a duration from 1m to 24h"},
		"freshness of factors too long":        {"users", "", "LOYALTY_MFA_FRESHNESS=25h", "LOYALTY_MFA_FRESHNESS must be a duration from 1m to 24h"},
		"required factors are not a boolean":   {"users", "", "LOYALTY_MFA_REQUIRED=maybe", "LOYALTY_MFA_REQUIRED"},
		"audit retention too short":            {"users", "", "LOYALTY_AUDIT_RETENTION=1439h", "LOYALTY_AUDIT_RETENTION must be a duration of at least 1440h"},
		"audit retention of logins too short":  {"users", "", "LOYALTY_AUDIT_LOGIN_RETENTION=23h", "LOYALTY_AUDIT_LOGIN_RETENTION must be a duration of at least 24h"},
		"session lifetime too long":            {"users", "", "LOYALTY_SESSION_LIFETIME=8761h", "LOYALTY_SESSION_LIFETIME must be a duration from 1m to 8760h"},
		"anomaly window does not divide a day": {"promotions", "", "LOYALTY_ANOMALY_WINDOW=7h", "LOYALTY_ANOMALY_WINDOW must be a duration from 1m to 24h that divides 24h"},
		"anomaly window too short":             {"promotions", "", "LOYALTY_ANOMALY_WINDOW=30s", "LOYALTY_ANOMALY_WINDOW must be a duration from 1m to 24h"},
		"anomaly amount of zero":               {"promotions", "", "LOYALTY_ANOMALY_PLAYER_AMOUNT=0", "LOYALTY_ANOMALY_PLAYER_AMOUNT must be an amount of 0.01 or more"},
		"negative anomaly amount":              {"promotions", "", "LOYALTY_ANOMALY_PROMOTION_AMOUNT=-5", "LOYALTY_ANOMALY_PROMOTION_AMOUNT must be an amount of 0.01 or more"},
		"anomaly count of zero":                {"promotions", "", "LOYALTY_ANOMALY_PLAYER_COUNT=0", "LOYALTY_ANOMALY_PLAYER_COUNT must be a whole number from 1 to 1000000000, or off"},
		"anomaly count too large":              {"promotions", "", "LOYALTY_ANOMALY_PROMOTION_COUNT=1000000001", "LOYALTY_ANOMALY_PROMOTION_COUNT must be a whole number from 1 to 1000000000, or off"},
		"claim rate factor of 1":               {"promotions", "", "LOYALTY_ANOMALY_CLAIM_RATE_FACTOR=1", "LOYALTY_ANOMALY_CLAIM_RATE_FACTOR must be a whole number from 2 to 1000, or off"},
		"claim rate without a minimum":         {"promotions", "", "LOYALTY_ANOMALY_CLAIM_RATE_MINIMUM=off", "LOYALTY_ANOMALY_CLAIM_RATE_MINIMUM must be a whole number from 1 to 1000000000"},
		"claim rate with a short history":      {"promotions", "", "LOYALTY_ANOMALY_CLAIM_RATE_HISTORY=2", "LOYALTY_ANOMALY_CLAIM_RATE_HISTORY must be a whole number from 3 to 168"},
		"credit rule is not a bool":            {"promotions", "", "LOYALTY_ANOMALY_CREDIT_WITHOUT_CLAIM=maybe", "LOYALTY_ANOMALY_CREDIT_WITHOUT_CLAIM must be true or false"},
		"missing Redis address":                {"users", "LOYALTY_REDIS_ADDRESS", "", "neither LOYALTY_REDIS_ADDRESS nor"},
		"Sentinel master without addresses":    {"users", "", "LOYALTY_REDIS_SENTINEL_MASTER=m", "LOYALTY_REDIS_SENTINELS must be set together"},
		"trusted proxies cover all addresses":  {"users", "", "LOYALTY_TRUSTED_PROXIES=0.0.0.0/0", "LOYALTY_TRUSTED_PROXIES must not contain 0.0.0.0/0"},
		"JWKS URL without a scheme":            {"promotions", "", "LOYALTY_JWKS_URL=users:8080/jwks.json", "LOYALTY_JWKS_URL is not a URL"},
		"trace sample above 1":                 {"users", "", "LOYALTY_TRACES_SAMPLE=1.5", "LOYALTY_TRACES_SAMPLE must be a number from 0 to 1"},
		"unknown access log":                   {"users", "", "LOYALTY_ACCESS_LOG=some", "LOYALTY_ACCESS_LOG must be one of errors, all, off"},
		"slow request of zero duration":        {"users", "", "LOYALTY_ACCESS_LOG_SLOW=0s", "LOYALTY_ACCESS_LOG_SLOW must be positive"},
		"unknown bus":                          {"promotions", "", "LOYALTY_BUS=pigeon", "LOYALTY_BUS must be one of kafka, nats"},
		"diagnostics without a port":           {"users", "", "LOYALTY_DIAGNOSTICS_LISTEN=localhost", "LOYALTY_DIAGNOSTICS_LISTEN must be"},
		"database without TLS":                 {"users", "", "LOYALTY_USERS_DATABASE_URL=postgres://u:" + secret + "@10.0.0.1/users?sslmode=prefer", "LOYALTY_USERS_DATABASE_URL: the connection to another machine is not encrypted: add sslmode=verify-full to the URL, or allow it with LOYALTY_INSECURE_POSTGRES=no-tls"},
		"database without a password":          {"verify", "", "LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u@db/promotions?sslmode=require", "LOYALTY_PROMOTIONS_DATABASE_URL: no password protects the server on another machine: set a password, or allow it with LOYALTY_INSECURE_POSTGRES=no-password"},
		"one database host of two without TLS": {"promotions", "", "LOYALTY_PROMOTIONS_DATABASE_URL=postgres://u:" + secret + "@127.0.0.1,db/promotions", "LOYALTY_PROMOTIONS_DATABASE_URL: the connection to another machine is not encrypted"},
		"migrate: database without TLS":        {"migrate up", "", "LOYALTY_USERS_DATABASE_URL=postgres://u:" + secret + "@db/users", "LOYALTY_USERS_DATABASE_URL: the connection to another machine is not encrypted"},
		"migrate: no role":                     {"migrate up users", "", "", "LOYALTY_USERS_DATABASE_ROLE is not set: it names the database role of the users service"},
		"store without TLS":                    {"notifications", "", "LOYALTY_NOTIFICATIONS_DATABASE_URL=postgres://u:" + secret + "@db/n", "LOYALTY_NOTIFICATIONS_DATABASE_URL: the connection to another machine is not encrypted"},
		"MongoDB without TLS":                  {"notifications", "", "LOYALTY_NOTIFICATIONS_STORE=mongodb\nLOYALTY_MONGODB_URL=mongodb://u:" + secret + "@127.0.0.1,db/n?tls=false", "LOYALTY_MONGODB_URL: the connection to another machine is not encrypted: add tls=true to the URL, or allow it with LOYALTY_INSECURE_MONGODB=no-tls"},
		"MongoDB without a password":           {"notifications", "", "LOYALTY_NOTIFICATIONS_STORE=mongodb\nLOYALTY_MONGODB_URL=mongodb+srv://db/n", "LOYALTY_MONGODB_URL: no password protects the server"},
		"Redis without TLS":                    {"users", "", "LOYALTY_REDIS_ADDRESS=redis:6379\nLOYALTY_REDIS_PASSWORD=" + secret, "LOYALTY_REDIS_ADDRESS: the connection to another machine is not encrypted: set LOYALTY_REDIS_TLS=true, or allow it with LOYALTY_INSECURE_REDIS=no-tls"},
		"Redis without a password":             {"promotions", "", "LOYALTY_REDIS_ADDRESS=redis:6379\nLOYALTY_REDIS_TLS=true", "LOYALTY_REDIS_ADDRESS: no password protects the server on another machine: set a password, or allow it with LOYALTY_INSECURE_REDIS=no-password"},
		"Redis replica without TLS":            {"notifications", "", "LOYALTY_REDIS_REPLICAS=127.0.0.1:2,redis:6379\nLOYALTY_REDIS_PASSWORD=" + secret, "LOYALTY_REDIS_ADDRESS: the connection to another machine is not encrypted"},
		"sentinel without TLS":                 {"users", "LOYALTY_REDIS_ADDRESS", "LOYALTY_REDIS_SENTINEL_MASTER=m\nLOYALTY_REDIS_SENTINELS=s:1", "LOYALTY_REDIS_SENTINELS: the connection to another machine is not encrypted"},
		"Kafka without TLS":                    {"promotions", "", "LOYALTY_KAFKA_BROKERS=127.0.0.1:1,kafka:9092\nLOYALTY_KAFKA_USERNAME=u\nLOYALTY_KAFKA_PASSWORD=" + secret, "LOYALTY_KAFKA_BROKERS: the connection to another machine is not encrypted: set LOYALTY_KAFKA_TLS=true, or allow it with LOYALTY_INSECURE_KAFKA=no-tls"},
		"Kafka without a password":             {"users", "", "LOYALTY_KAFKA_BROKERS=kafka:9092\nLOYALTY_KAFKA_TLS=true\nLOYALTY_INSECURE_KAFKA=no-tls", "LOYALTY_KAFKA_BROKERS: no password protects the server"},
		"NATS without TLS":                     {"users", "", "LOYALTY_BUS=nats\nLOYALTY_NATS_URL=tls://u:p@a,nats://u:p@b", "LOYALTY_NATS_URL: the connection to another machine is not encrypted: begin the URL with tls://, or allow it with LOYALTY_INSECURE_NATS=no-tls"},
		"NATS without a password":              {"users", "", "LOYALTY_BUS=nats\nLOYALTY_NATS_URL=tls://nats", "LOYALTY_NATS_URL: no password protects the server"},
		"events: Kafka without TLS":            {"events topics", "", "LOYALTY_KAFKA_BROKERS=kafka:9092", "LOYALTY_KAFKA_BROKERS: the connection to another machine is not encrypted"},
		"ledger listener without TLS":          {"users", "", "LOYALTY_INTERNAL_LISTEN=:9090\nLOYALTY_TOKEN_KEY=" + strings.TrimSpace(key), "LOYALTY_INTERNAL_LISTEN: the connection to another machine is not encrypted: set LOYALTY_INTERNAL_TLS_CERTIFICATE, or allow it with LOYALTY_INSECURE_LEDGER=no-tls"},
		"ledger without TLS":                   {"promotions", "", "LOYALTY_LEDGER_ADDRESS=dns://127.0.0.1/users:9090", "LOYALTY_LEDGER_ADDRESS: the connection to another machine is not encrypted"},
		"public keys without TLS":              {"notifications", "", "LOYALTY_JWKS_URL=http://users/jwks.json", "LOYALTY_JWKS_URL: the connection to another machine is not encrypted: begin the URL with https://, or allow it with LOYALTY_INSECURE_JWKS=no-tls"},
		"unknown permission of PostgreSQL":     {"users", "", "LOYALTY_INSECURE_POSTGRES=yes", "LOYALTY_INSECURE_POSTGRES must be no-tls, no-password, owner-role, or several of them separated by commas"},
		"owner role of Redis":                  {"users", "", "LOYALTY_INSECURE_REDIS=owner-role", "LOYALTY_INSECURE_REDIS must be no-tls, no-password"},
		"unknown permission":                   {"users", "", "LOYALTY_INSECURE_REDIS=yes", "LOYALTY_INSECURE_REDIS must be no-tls, no-password, or both separated by a comma"},
		"unknown store":                        {"notifications", "", "LOYALTY_NOTIFICATIONS_STORE=paper", "LOYALTY_NOTIFICATIONS_STORE must be one of mongodb, postgres"},
		"no sockets":                           {"notifications", "", "LOYALTY_SOCKETS_PER_ADDRESS=0", "LOYALTY_SOCKETS_PER_ADDRESS must be a whole number from 1 to 100000"},
		"origin without scheme":                {"notifications", "", "LOYALTY_ALLOWED_ORIGINS=casino.example", `LOYALTY_ALLOWED_ORIGINS: "casino.example" is not an origin such as https://casino.example`},
		"missing store URL":                    {"notifications", "", "LOYALTY_NOTIFICATIONS_STORE=mongodb", "LOYALTY_MONGODB_URL is not set"},
		"verify: missing promotions database":  {"verify", "LOYALTY_PROMOTIONS_DATABASE_URL", "", "LOYALTY_PROMOTIONS_DATABASE_URL is not set"},
		"malformed network":                    {"users", "", "LOYALTY_TRUSTED_PROXIES=everywhere", "LOYALTY_TRUSTED_PROXIES must be a list separated by commas, each element a network, for example 10.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for setting, value := range complete {
				if setting != tt.drop {
					lines = append(lines, setting+"="+value)
				}
			}
			lines = append(lines, tt.set)
			file := filepath.Join(t.TempDir(), "settings")
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := run(t, append(strings.Fields(tt.command), "--settings", file)...)
			if code != 1 || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, secret) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d with %q, want exit 1 and one line with %q, without the secret", code, stderr, tt.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}} {
		code, stdout, _ := run(t, args...)
		for _, want := range []string{"version ", "commit ", runtime.Version(), buildinfo.Read().SchemaVersion} {
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("%v: exit %d with %q, want %q", args, code, stdout, want)
			}
		}
	}
}

func TestKeygen(t *testing.T) {
	t.Parallel()
	code, stdout, _ := run(t, "keygen")
	if code != 0 || strings.Count(stdout, "\n") != 1 || strings.ContainsAny(stdout, ` '"$\`) {
		t.Fatalf("exit %d with %q, want one line without characters that a shell changes", code, stdout)
	}
	type settings struct {
		Key signingKey `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	}
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := write("key", stdout)
	for name, load := range map[string]func() (settings, error){
		"environment": func() (settings, error) {
			return config.From[settings]([]string{"LOYALTY_TOKEN_KEY=" + strings.TrimSpace(stdout)})
		},
		"secret file": func() (settings, error) {
			return config.From[settings]([]string{"LOYALTY_TOKEN_KEY_FILE=" + secret})
		},
		"settings file": func() (settings, error) {
			return config.LoadWith[settings](write("settings", "LOYALTY_TOKEN_KEY="+stdout+"LOYALTY_OTHER=x\n"))
		},
	} {
		if got, err := load(); err != nil || len(got.Key.key) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerKeygen(t *testing.T) {
	t.Parallel()
	_, first, _ := run(t, "keygen", "ledger")
	_, second, _ := run(t, "keygen", "ledger")
	settings, err := config.From[ledgerKeySettings]([]string{
		"LOYALTY_LEDGER_KEY=" + strings.TrimSpace(first), "LOYALTY_LEDGER_OTHER_KEYS=" + strings.TrimSpace(second),
	})
	if err != nil || len(settings.keys()) != 2 || first == second {
		t.Errorf("got %d keys, %v, want two different keys", len(settings.keys()), err)
	}
}

func TestSeveralTokenKeys(t *testing.T) {
	t.Parallel()
	_, first, _ := run(t, "keygen")
	_, second, _ := run(t, "keygen")
	type settings struct {
		Key signingKey `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	}
	_, err := config.From[settings]([]string{"LOYALTY_TOKEN_KEY=" + first + second})
	if err == nil || !strings.Contains(err.Error(), "LOYALTY_TOKEN_KEY holds several keys") {
		t.Errorf("got %v, want an error that names the setting and the several keys", err)
	}
}
