package main

import "slices"

// settingRow describes a setting. Its default and the commands that read it come from the declaration.
type settingRow struct {
	name, about string
	production  string // a safe value in production
}

// settingSection is a table of docs/settings.md.
type settingSection struct {
	title string
	rows  []settingRow
}

const settingsIntroduction = "# Settings\n\n" +
	"The commands of `loyalty` read these settings from environment variables, or from a file of lines `NAME=value` with\n" +
	"`--settings FILE`. `NAME_FILE` gives the path of a file with the value, such as a mounted secret. A name that is\n" +
	"almost that of a setting, such as `LOYALTY_MFA_REQUIRE`, is an error: it would be ignored. Other unknown names may\n" +
	"belong to another release; `loyalty settings COMMAND` lists them.\n\n" +
	"```sh\n" +
	"loyalty settings users   # checks the settings of a command, without a connection to any server, and lists their names\n" +
	"loyalty settings         # prints this document\n" +
	"```\n\n" +
	"The column \"in production\" has a safe value. *Secret* is a value that only these commands may read: mount it as a\n" +
	"file. *Services* are users, promotions and notifications.\n\n" +
	"`make golden` generates this document from `cmd/loyalty`.\n"

const (
	keepDefault = "the default"
	asNeeded    = "as needed"
)

// settingSections returns all settings, by subject.
func settingSections() []settingSection {
	return slices.Concat(serviceSections(), serverSections(), secretSections(), accountSections(), limitSections())
}

func serviceSections() []settingSection {
	return []settingSection{
		{"Every service", []settingRow{
			{
				"LOYALTY_LISTEN", "address of the public API, behind the gateway",
				"an address that only the gateway and the other services can reach",
			},
			{
				"LOYALTY_DIAGNOSTICS_LISTEN",
				"address of metrics, health checks and profiles; see the [runbook](runbook.md#diagnostics-and-metrics)",
				"an address that only operators and Prometheus can reach; never routed from outside",
			},
			{
				"LOYALTY_TRUSTED_PROXIES",
				"networks of the gateway, separated by commas; only these may forward client addresses and continue traces",
				"the addresses of the gateway and nothing else; without them all clients share the limits of one address",
			},
			{
				"LOYALTY_INSTANCE",
				"name of this replica, unique within its service and the same after a restart; a restarted replica then gets its " +
					"Kafka partitions back immediately",
				"the name of the pod or container",
			},
			{
				"LOYALTY_REFLECTION",
				"`true` enables gRPC server reflection on the public and the internal listener, for tools such as grpcurl",
				"`false`",
			},
		}},
		{"Logs and traces", []settingRow{
			{
				"LOYALTY_LOG_LEVEL", "`DEBUG`, `INFO`, `WARN` or `ERROR`",
				"`INFO`; `DEBUG` logs SQL statements, but not their arguments",
			},
			{"LOYALTY_LOG_FORMAT", "`json` or `text`", "`json`"},
			{
				"LOYALTY_ACCESS_LOG",
				"requests that are logged: `errors` (failures of the platform and slow requests), `all` or `off`",
				"`errors` or `all`; with `off` the cause of a failed request is in no log",
			},
			{"LOYALTY_ACCESS_LOG_SLOW", "duration from which `errors` logs a request, such as `500ms`", keepDefault},
			{
				"LOYALTY_TRACES_ENDPOINT",
				"URL of the OTLP gRPC receiver of a trace store, such as `http://jaeger:4317`; `https://` for TLS; without it there " +
					"are no traces",
				"an `https://` URL, or a store on a private network",
			},
			{"LOYALTY_TRACES_SAMPLE", "fraction of the requests that are traced, from `0` to `1`", "`0.1` or less under load"},
		}},
	}
}

const databaseSafe = "*secret*; `sslmode=verify-full`, a role that owns no tables; for migrate and backup the owner"

// The texts of the roles of the services.
const (
	databaseRole = "name of the role with which users connects; `loyalty migrate up` grants it what the service does, see " +
		"the [runbook](runbook.md#roles-of-the-databases). `none` grants nothing. Required with the URL"
	databaseRoleSafe = "a role that owns nothing"
)

// The texts of the settings that allow connections without protection.
const (
	insecureAbout = "what connections to other machines may lack: `no-tls`, `no-password`, or both separated by a comma; see " +
		"the [runbook](runbook.md#encryption-and-passwords). Without it such connections are refused"
	notSet = "not set"
)

func serverSections() []settingSection {
	return []settingSection{
		{"Databases", []settingRow{
			{"LOYALTY_USERS_DATABASE_URL", "`postgres://…`, PostgreSQL 15 or later", databaseSafe},
			{"LOYALTY_PROMOTIONS_DATABASE_URL", "`postgres://…`, PostgreSQL 15 or later", databaseSafe},
			{"LOYALTY_USERS_DATABASE_ROLE", databaseRole, databaseRoleSafe},
			{"LOYALTY_PROMOTIONS_DATABASE_ROLE", "the same for promotions", databaseRoleSafe},
			{"LOYALTY_NOTIFICATIONS_DATABASE_ROLE", "the same for notifications; required with the URL", databaseRoleSafe},
			{
				"LOYALTY_INSECURE_POSTGRES",
				insecureAbout + ". `owner-role` lets a service use a role that can evade the rules of the database: a superuser, an " +
					"owner, and [others](runbook.md#roles-of-the-databases)", notSet,
			},
			{"LOYALTY_INSECURE_MONGODB", "the same for MongoDB, without `owner-role`", notSet},
			{"LOYALTY_NOTIFICATIONS_STORE", "`mongodb` or `postgres`", asNeeded},
			{"LOYALTY_NOTIFICATIONS_DATABASE_URL", "`postgres://…`; required if the store is `postgres`", databaseSafe},
			{
				"LOYALTY_MONGODB_URL", "`mongodb://…`; required if the store is `mongodb`",
				"*secret*; `tls=true`, a replica set, and a user for this database only",
			},
			{
				"LOYALTY_MONGODB_DATABASE", "name of the database; without it the database in the URL, or else `loyalty`", asNeeded,
			},
		}},
		{"Redis", []settingRow{
			{"LOYALTY_REDIS_ADDRESS", "address of Redis; required without Sentinel", "a server that only the services can reach"},
			{"LOYALTY_REDIS_REPLICAS", "addresses of its replicas, separated by commas", asNeeded},
			{
				"LOYALTY_REDIS_SENTINEL_MASTER", "name of the master set of Redis Sentinel, in place of an address", "set, for failover",
			},
			{"LOYALTY_REDIS_SENTINELS", "addresses of the sentinels, separated by commas", "three or more, on different machines"},
			{"LOYALTY_REDIS_SENTINEL_PASSWORD", "password of the sentinels", "*secret*"},
			{"LOYALTY_REDIS_USERNAME", "user of Redis", "a user for the platform only"},
			{"LOYALTY_REDIS_PASSWORD", "password of Redis", "*secret*; always set"},
			{"LOYALTY_REDIS_TLS", "`true` for TLS", "`true`"},
			{"LOYALTY_INSECURE_REDIS", insecureAbout, notSet},
			{"LOYALTY_REDIS_PLAIN", "`true` for a server without client-side caching", "`false`"},
		}},
		{"Event bus", []settingRow{
			{"LOYALTY_BUS", "`kafka` or `nats`", asNeeded},
			{"LOYALTY_BUS_REPLICATION", "number of copies of each event; at most the number of servers", "`3`"},
			{"LOYALTY_KAFKA_BROKERS", "addresses, separated by commas; required with `kafka`", "three or more brokers"},
			{"LOYALTY_KAFKA_PARTITIONS", "partitions of a new topic", "at least the number of replicas of a service"},
			{"LOYALTY_KAFKA_USERNAME", "SCRAM-SHA-512 user", "a user for the platform only"},
			{"LOYALTY_KAFKA_PASSWORD", "SCRAM-SHA-512 password", "*secret*; always set"},
			{"LOYALTY_KAFKA_TLS", "`true` for TLS", "`true`"},
			{
				"LOYALTY_KAFKA_SESSION_TIMEOUT",
				"time after which the partitions of a dead replica move to the others, from `1s` to `1m`; at least " +
					"`group.min.session.timeout.ms` of the brokers, which is 6 s by default",
				"see [recovery times](runbook.md#recovery-times)",
			},
			{"LOYALTY_INSECURE_KAFKA", insecureAbout, notSet},
			{"LOYALTY_INSECURE_NATS", "the same for NATS", notSet},
			{"LOYALTY_NATS_URL", "URL with credentials; `tls://` for TLS; required with `nats`", "*secret*; `tls://`"},
		}},
	}
}

func secretSections() []settingSection {
	return []settingSection{
		{"Tokens and keys", []settingRow{
			{
				"LOYALTY_TOKEN_KEY", "key that signs access tokens, from `loyalty keygen`; PEM is also accepted",
				"*secret*; [replaced](runbook.md#rotate-the-token-key) regularly",
			},
			{
				"LOYALTY_TOKEN_OTHER_KEYS",
				"additional accepted keys, separated by commas: the next key before a rotation, the previous key for a day after",
				"*secret*; not set between rotations",
			},
			{"LOYALTY_TOKEN_ISSUER", "issuer of access tokens, the same for all services", "a name that no other installation has"},
			{"LOYALTY_TOKEN_AUDIENCE", "audience of access tokens, the same for all services", "as the issuer"},
			{
				"LOYALTY_JWKS_URL", "URL of the public keys, `http://users:8080/.well-known/jwks.json`",
				"the users service itself, on a network where nobody else can answer; not the public address",
			},
			{"LOYALTY_INSECURE_JWKS", insecureAbout, notSet + "; whoever can change the answer can issue access tokens"},
			{
				"LOYALTY_LEDGER_KEY",
				"key of the MACs that make changes of the ledger evident, and of the encryption of second factors, from " +
					"`loyalty keygen ledger`; the same for all replicas",
				"*secret*; unknown to the administrators of the database",
			},
			{
				"LOYALTY_LEDGER_OTHER_KEYS",
				"previous keys, separated by commas: a key verifies its entries, and decrypts the second factors of its time, for " +
					"ever; see the [runbook](runbook.md#rotate-the-key-of-the-ledger)",
				"*secret*; every key that was ever used",
			},
		}},
		{"Calls between the services", []settingRow{
			{
				"LOYALTY_INTERNAL_LISTEN", "address of the internal gRPC listener",
				"an address that only promotions can reach; never routed from outside",
			},
			{
				"LOYALTY_LEDGER_ADDRESS",
				"`HOST:PORT` of the internal gRPC listeners of users; calls are spread over all addresses of the host. " +
					"`dns://SERVER/HOST:PORT` asks another DNS server",
				"a name with the addresses of all replicas",
			},
			{
				"LOYALTY_INTERNAL_TOKEN", "shared secret of the internal RPC, 16 characters or more",
				"*secret*; 32 random characters or more",
			},
			{
				"LOYALTY_INTERNAL_TLS_CERTIFICATE",
				"path of a PEM file for mutual TLS of the internal RPC; all three or none. The certificate of users must be valid for " +
					"the host of `LOYALTY_LEDGER_ADDRESS`. The files can be replaced at any time",
				"set, from an authority for these services only",
			},
			{"LOYALTY_INTERNAL_TLS_KEY", "path of the key of the certificate", "set; a file that only the service can read"},
			{"LOYALTY_INSECURE_LEDGER", insecureAbout, notSet},
			{"LOYALTY_INTERNAL_TLS_CA", "path of the certificate of the authority", "set; an authority for these services only"},
		}},
	}
}

func accountSections() []settingSection {
	return []settingSection{
		{"Second factors and the audit trail", []settingRow{
			{
				"LOYALTY_MFA_REQUIRED",
				"`true` requires a [second factor](runbook.md#second-factors) of staff and admins: without one they can only enrol it",
				"`true`, after at least two admins have enrolled",
			},
			{
				"LOYALTY_MFA_FRESHNESS",
				"time for which a presented second factor permits registering staff, activating and deactivating users, resetting " +
					"second factors and reversing transactions: `1m` to `24h`",
				keepDefault + " or less",
			},
			{
				"LOYALTY_AUDIT_RETENTION",
				"time for which the [audit trail](runbook.md#audit-trail) keeps acts of employees and operators, at least `1440h`",
				keepDefault + ", or as long as your rules require",
			},
			{
				"LOYALTY_AUDIT_LOGIN_RETENTION",
				"time for which the audit trail keeps other entries, such as logins of players and failed logins, at least `24h`",
				keepDefault + "; less if the disk is small",
			},
		}},
	}
}

func limitSections() []settingSection {
	return []settingSection{
		{"Limits of users and notifications", []settingRow{
			{
				"LOYALTY_REGISTRATIONS_PER_ADDRESS", "registrations per minute from one address",
				keepDefault + "; more only if many players share one address",
			},
			{
				"LOYALTY_FAILED_LOGINS_PER_ADDRESS", "failed logins per minute from one address, averaged over 15 minutes",
				keepDefault + "; more only if many players share one address",
			},
			{
				"LOYALTY_REFRESHES_PER_SESSION",
				"refreshes per minute of one session, averaged over 10 minutes; a refused refresh does not end the session", keepDefault,
			},
			{
				"LOYALTY_SESSION_LIFETIME",
				"time from a login to the end of the session, however often it is refreshed: `1m` to `8760h`. A session keeps the end " +
					"that it got at the login",
				keepDefault + " or less",
			},
			{"LOYALTY_SOCKETS_PER_ADDRESS", "maximum number of WebSockets of one address on a replica", keepDefault},
			{
				"LOYALTY_ALLOWED_ORIGINS",
				"origins of pages that may open WebSockets, separated by commas; `*` allows all; without it the host and port of the " +
					"request",
				"the origins of your pages; never `*`",
			},
		}},
		{"Anomalies of the ledger", []settingRow{
			{
				"LOYALTY_ANOMALY_WINDOW",
				"length of the windows in which entries are counted, from `1m` to `24h`; it must divide 24 h. Windows start at " +
					"midnight UTC",
				keepDefault,
			},
			{
				"LOYALTY_ANOMALY_PLAYER_AMOUNT",
				"limit of a player's entries in a window, credits and debits together; `off` turns a limit off",
				"a little more than a player can win",
			},
			{"LOYALTY_ANOMALY_PLAYER_COUNT", "the same for their number", keepDefault},
			{
				"LOYALTY_ANOMALY_PROMOTION_AMOUNT", "limit of the credits for a promotion in a window; `off` turns a limit off",
				"a little more than a promotion may cost",
			},
			{"LOYALTY_ANOMALY_PROMOTION_COUNT", "the same for their number", keepDefault},
			{
				"LOYALTY_ANOMALY_CREDIT_WITHOUT_CLAIM",
				"`false` does not report credits that pay no claim, for operators whose other systems credit players", "`true`",
			},
			{
				"LOYALTY_ANOMALY_CLAIM_RATE_FACTOR",
				"a promotion's credits in a window are reported if they are more than this factor times the average of the earlier " +
					"windows; `off` turns the rule off",
				keepDefault,
			},
			{"LOYALTY_ANOMALY_CLAIM_RATE_MINIMUM", "smallest number of credits in a window that this rule reports", keepDefault},
			{"LOYALTY_ANOMALY_CLAIM_RATE_HISTORY", "largest number of earlier windows in the average, `3` to `168`", keepDefault},
		}},
	}
}
