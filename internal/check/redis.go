package check

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/redis"
)

// Redis is the Redis of the services.
type Redis struct{ Config redis.Config }

const (
	// minRedis is the oldest supported major version.
	minRedis = 7
	// maxReplicaLag is the number of seconds without an acknowledgement after which a replica counts as disconnected.
	maxReplicaLag = 10
)

// Run implements the check of Redis.
func (c Redis) Run(ctx context.Context, r *Report) {
	client, err := redis.Open(ctx, c.Config)
	if err != nil {
		r.FailedTo("connect", err, "check the address, the user name, the password and TLS, and that the server runs")
		return
	}
	defer client.Close()
	info, err := readInfo(ctx, client)
	if err != nil {
		r.FailedTo("run INFO", err, "allow the commands INFO and TIME for the user")
		return
	}
	c.version(info, r)
	before := time.Now()
	now, err := readTime(ctx, client)
	if err != nil {
		r.FailedTo("run TIME", err, "allow the commands INFO and TIME for the user")
		return
	}
	r.Clock(now, before, time.Now())
	eviction(info, r)
	persistence(info, r)
	c.replicas(info, r)
}

// readInfo returns the fields of INFO.
func readInfo(ctx context.Context, client rueidis.Client) (map[string]string, error) {
	text, err := client.Do(ctx, client.B().Info().Build()).ToString()
	if err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, nil
}

// readTime returns the time of the server, which TIME reports as seconds and microseconds.
func readTime(ctx context.Context, client rueidis.Client) (time.Time, error) {
	parts, err := client.Do(ctx, client.B().Time().Build()).AsIntSlice()
	if err != nil {
		return time.Time{}, err
	}
	if len(parts) != 2 {
		return time.Time{}, fmt.Errorf("the answer has %d numbers, want 2", len(parts))
	}
	return time.Unix(parts[0], parts[1]*int64(time.Microsecond)), nil
}

func (c Redis) version(info map[string]string, r *Report) {
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minRedis {
		r.Fail(fmt.Sprintf("the server is Redis %q", version), fmt.Sprintf("upgrade it to version %d or later", minRedis))
	} else {
		r.OKf("connected; the server is Redis %s", version)
	}
	if info["role"] == "slave" {
		r.Fail("the server is a read-only replica", "use the address of the master, or Sentinel")
	}
	if info["loading"] == "1" {
		r.Fail("the server is loading its data", "wait until it has finished")
	}
}

// eviction checks that Redis never deletes sessions to free memory.
func eviction(info map[string]string, r *Report) {
	const action = "set maxmemory-policy noeviction"
	switch policy := info["maxmemory_policy"]; {
	case policy == "noeviction":
		r.OKf("the server evicts no keys")
	case info["maxmemory"] == "0":
		r.Warn(fmt.Sprintf("maxmemory-policy is %q, which deletes sessions once maxmemory is set", policy), action)
	default:
		r.Fail(fmt.Sprintf("maxmemory-policy is %q: the server deletes sessions to free memory", policy), action)
	}
}

// persistence checks that sessions survive a restart of Redis.
func persistence(info map[string]string, r *Report) {
	switch {
	case info["aof_enabled"] != "1":
		r.Warn("appendonly is off: a restart of the server ends all sessions, and users must log in again",
			"set appendonly yes")
	case info["aof_last_write_status"] != "ok":
		r.Fail("the last write to the append-only file failed, so the server refuses writes", "look at the disk of the server")
	default:
		r.OKf("sessions survive a restart: appendonly is on")
	}
	if info["rdb_last_bgsave_status"] == "err" {
		r.Warn("the last snapshot failed; with save points, the server then refuses writes", "look at the disk of the server")
	}
}

// replicas checks that the replicas follow the master.
func (c Redis) replicas(info map[string]string, r *Report) {
	wanted := len(c.Config.Replicas)
	if c.Config.Sentinel.Master != "" {
		wanted = 1 // a failover needs a replica
	}
	online := 0
	for i := 0; ; i++ {
		line, ok := info["slave"+strconv.Itoa(i)]
		if !ok {
			break
		}
		replica := map[string]string{}
		for pair := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(pair, "=")
			replica[name] = value
		}
		lag, err := strconv.Atoi(replica["lag"])
		if replica["state"] == "online" && err == nil && lag <= maxReplicaLag {
			online++
			continue
		}
		r.Warn(fmt.Sprintf("the replica %s:%s does not follow the master (state %s, last answer %s s ago)", replica["ip"],
			replica["port"], replica["state"], replica["lag"]), "look into the log of the replica")
	}
	switch {
	case online < wanted:
		r.Warn(fmt.Sprintf("%d of %s the master", online, cli.Count(wanted, "wanted replica follows", "wanted replicas follow")),
			"start the replicas; without one, the loss of the master ends all sessions")
	case online > 0:
		r.OKf("%s the master", cli.Count(online, "replica follows", "replicas follow"))
	}
}

// Sentinels returns one check for each sentinel of a configuration.
func Sentinels(c redis.Config) []Check {
	var checks []Check
	for _, address := range c.Sentinel.Addresses {
		own := redis.Config{Address: address, Password: c.Sentinel.Password, TLS: c.TLS, Plain: true}
		if own.Password == "" {
			own.Username, own.Password = c.Username, c.Password
		}
		checks = append(checks, Check{Subject: "Sentinel " + address, Run: func(ctx context.Context, r *Report) {
			sentinel(ctx, own, c.Sentinel.Master, r)
		}})
	}
	return checks
}

// sentinel asks a sentinel whether the sentinels can fail over.
func sentinel(ctx context.Context, c redis.Config, master string, r *Report) {
	client, err := redis.Open(ctx, c)
	if err != nil {
		r.FailedTo("connect", err, "check the address, the password and TLS, and that the sentinel runs")
		return
	}
	defer client.Close()
	answer, err := client.Do(ctx, client.B().Arbitrary("SENTINEL", "CKQUORUM").Args(master).Build()).ToString()
	if err != nil {
		r.FailedTo("check the quorum", err, "check the name of the master, and start the other sentinels")
		return
	}
	r.OKf("%s", strings.TrimPrefix(answer, "OK "))
}
