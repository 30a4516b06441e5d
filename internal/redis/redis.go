// Package redis opens the connection to Redis that sessions, limits and live channels share.
//
// Reads and writes go to the master, so that a logout takes effect on the next request. Only MGET may go to a replica.
// Callers use MGET only where a slightly stale answer is harmless.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// Config locates Redis. Either Address or Sentinel is set.
type Config struct {
	// Address is the master's "host:port".
	Address string
	// Replicas are the addresses of the read replicas of Address. Sentinel finds the replicas itself.
	Replicas []string
	// Sentinel finds the master, also after a failover.
	Sentinel Sentinel
	// Username and Password authenticate to Redis. They also authenticate to the sentinels if Sentinel has no password.
	Username, Password string
	// TLS encrypts the connections. Certificates are verified against the system's roots.
	TLS bool
	// Plain is for a server without RESP3 and client-side caching, such as the embedded server of loyalty-dev. Session
	// lookups are then not cached.
	Plain bool
	// Log receives a warning if the replicas cannot be reached; nil discards it.
	Log *slog.Logger
}

// Sentinel locates a master through the sentinels that monitor it.
type Sentinel struct {
	// Master is the name of the master set. Empty means that Sentinel is not used.
	Master string
	// Addresses are the sentinels' "host:port".
	Addresses []string
	// Password authenticates to the sentinels. Empty means the credentials of Redis.
	Password string
}

const (
	dialTimeout = 2 * time.Second
	// ioTimeout is the time after which a server that does not answer is unavailable.
	ioTimeout = 3 * time.Second
	// topologyInterval is how often the client asks the sentinels for the master, in case it missed the announcement of a
	// failover.
	topologyInterval = 5 * time.Second
	// bufferSize is the size in bytes of each of the two buffers of a connection. Commands are small, so the default of
	// rueidis, half a megabyte, would waste memory.
	bufferSize = 64 << 10
)

// Validate returns an error that names the missing or contradictory field.
func (c Config) Validate() error {
	switch {
	case c.Sentinel.Master == "" && len(c.Sentinel.Addresses) > 0:
		return errors.New("redis: Sentinel.Addresses is set, but Sentinel.Master is not")
	case c.Sentinel.Master != "" && len(c.Sentinel.Addresses) == 0:
		return errors.New("redis: Sentinel.Master is set, but Sentinel.Addresses is not")
	case c.Sentinel.Master == "" && c.Address == "":
		return errors.New("redis: neither Address nor Sentinel.Master is set")
	}
	return nil
}

// Client is a connection to Redis that counts its commands. It is safe for concurrent use.
type Client struct {
	rueidis.Client
	commands, failures atomic.Int64
}

// Stats counts the commands of a client.
type Stats struct {
	// Commands is the number of commands that were sent or answered from the cache. Failures is the number of commands that
	// failed, without those that the caller canceled.
	Commands, Failures int64
}

// Stats returns the counts since Open.
func (c *Client) Stats() Stats { return Stats{c.commands.Load(), c.failures.Load()} }

// Do implements rueidis.Client.
func (c *Client) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	r := c.Client.Do(ctx, cmd)
	c.count(r.Error())
	return r
}

// DoMulti implements rueidis.Client.
func (c *Client) DoMulti(ctx context.Context, multi ...rueidis.Completed) []rueidis.RedisResult {
	return c.countAll(c.Client.DoMulti(ctx, multi...))
}

// DoCache implements rueidis.Client.
func (c *Client) DoCache(ctx context.Context, cmd rueidis.Cacheable, ttl time.Duration) rueidis.RedisResult {
	r := c.Client.DoCache(ctx, cmd, ttl)
	c.count(r.Error())
	return r
}

// DoMultiCache implements rueidis.Client.
func (c *Client) DoMultiCache(ctx context.Context, multi ...rueidis.CacheableTTL) []rueidis.RedisResult {
	return c.countAll(c.Client.DoMultiCache(ctx, multi...))
}

func (c *Client) countAll(results []rueidis.RedisResult) []rueidis.RedisResult {
	for i := range results {
		c.count(results[i].Error())
	}
	return results
}

// count counts a command and its error. A missing key is not a failure.
func (c *Client) count(err error) {
	c.commands.Add(1)
	if err != nil && !rueidis.IsRedisNil(err) && !errors.Is(err, context.Canceled) && !isNoScript(err) {
		c.failures.Add(1)
	}
}

// isNoScript reports whether the server does not know a script yet. The client then sends the script.
func isNoScript(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && reply.IsNoScript()
}

// Open connects to Redis and returns after the master has answered. The caller closes the client. Open returns a
// readiness.UnreachableError if the master or the sentinels cannot be reached. ctx limits only Open. The client retries
// reads for about a second and does not retry writes; see Failure for the errors of an unavailable server.
func Open(ctx context.Context, c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dialer := &dialer{ctx: ctx}
	client, err := rueidis.NewClient(c.options(dialer, true))
	if err != nil && ctx.Err() == nil && (len(c.Replicas) > 0 || c.Sentinel.Master != "") {
		// A replica is an optimization, so the service starts without it.
		if client, err = rueidis.NewClient(c.options(dialer, false)); err == nil && c.Log != nil {
			c.Log.Warn("redis replicas cannot be reached; all reads go to the master")
		}
	}
	dialer.opened.Store(true)
	if err == nil {
		return &Client{Client: client}, nil
	}
	wrapped := fmt.Errorf("redis: cannot connect: %w", err)
	if ctx.Err() == nil && c.unreachable(err) {
		return nil, &readiness.UnreachableError{Dependency: readiness.Redis, Err: wrapped}
	}
	return nil, wrapped
}

// unreachable reports whether a later attempt to connect may succeed. During a failover, the sentinels can name a server
// that is not the master yet.
func (c Config) unreachable(err error) bool {
	switch reply, ok := rueidis.IsRedisErr(err); {
	case ok:
		return temporary(reply.Error())
	case c.Sentinel.Master != "":
		return !readiness.RefusedTLS(err) && !rueidis.IsRedisNil(err) // nil: the sentinels do not know the master set
	}
	return readiness.Unreachable(err)
}

// Ping returns an error if the server does not answer before ctx ends.
func Ping(ctx context.Context, client rueidis.Client) error {
	return client.Do(ctx, client.B().Ping().Build()).Error()
}

// options returns the options of the client. If replicas is false, all reads go to the master.
func (c Config) options(d *dialer, replicas bool) rueidis.ClientOption {
	o := rueidis.ClientOption{
		InitAddress:         []string{c.Address},
		Username:            c.Username,
		Password:            c.Password,
		ClientName:          "loyalty",
		Dialer:              net.Dialer{Timeout: dialTimeout, KeepAlive: time.Second},
		DialCtxFn:           d.dial,
		ConnWriteTimeout:    ioTimeout,
		ReadBufferEachConn:  bufferSize,
		WriteBufferEachConn: bufferSize,
		RetryDelay:          retryDelay,
		DisableCache:        c.Plain,
		AlwaysRESP2:         c.Plain,
		ForceSingleClient:   true,
	}
	if c.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	switch {
	case c.Sentinel.Master != "":
		o.InitAddress = c.Sentinel.Addresses
		if replicas {
			o.SendToReplicas = mayBeStale
		}
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: c.Sentinel.Master, Dialer: o.Dialer, TLSConfig: o.TLSConfig,
			Password: c.Sentinel.Password, TopologyRefreshInterval: topologyInterval,
		}
		if c.Sentinel.Password == "" {
			o.Sentinel.Username, o.Sentinel.Password = c.Username, c.Password
		}
	case replicas && len(c.Replicas) > 0:
		o.ForceSingleClient = false
		o.Standalone = rueidis.StandaloneOption{ReplicaAddress: c.Replicas}
		o.SendToReplicas = mayBeStale
	}
	return o
}

// mayBeStale reports whether a replica may answer a command.
func mayBeStale(cmd rueidis.Completed) bool {
	words := cmd.Commands()
	return len(words) > 0 && words[0] == "MGET"
}

// retryDelay returns the delay before a read is tried again, or -1 to give up. Five retries allow for a reconnection or a
// failover. A timeout is not retried, because a request must not wait for several timeouts.
func retryDelay(attempts int, _ rueidis.Completed, err error) time.Duration {
	const retries = 5
	var network net.Error
	if attempts > retries || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		return -1
	}
	return time.Duration(10<<attempts) * time.Millisecond
}

// Failure converts an error of the client. An unreachable server, a timeout and a server that cannot serve for now become
// DEPENDENCY_UNAVAILABLE. Nil, context.Canceled and other errors stay as they are. Callers must check for a nil reply
// first, with rueidis.IsRedisNil.
func Failure(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if reply, ok := rueidis.IsRedisErr(err); ok && !temporary(reply.Error()) {
		return fmt.Errorf("redis: %w", err)
	}
	return apperr.New(apperr.DependencyUnavailable, "try again in a moment").WithCause(err)
}

// temporary reports whether an error reply means that Redis cannot serve for now, not that the command is wrong.
func temporary(reply string) bool {
	word, _, _ := strings.Cut(reply, " ")
	switch word {
	case "LOADING", "READONLY", "MASTERDOWN", "BUSY", "TRYAGAIN", "OOM", "NOREPLICAS", "MISCONF", "CLUSTERDOWN":
		return true
	}
	return false
}
