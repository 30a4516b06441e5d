// Package redis opens the connection to Redis that sessions, limits and live channels share.
//
// Everything that decides is written to, and read from, the master: a logout must be seen by the next request. Only MGET
// goes to a replica where there is one; a caller uses MGET to say that a somewhat stale answer is harmless to it.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Config says how Redis is reached. Either Address or Sentinel is set.
type Config struct {
	// Address is the master's "host:port".
	Address string
	// Replicas are addresses of read replicas of Address. With Sentinel the replicas are found by themselves.
	Replicas []string
	// Sentinel finds the master, also after a failover.
	Sentinel Sentinel
	// Username and Password are those of Redis, and of the sentinels unless these have their own.
	Username, Password string
	// TLS encrypts the connections; certificates are verified against the system's roots.
	TLS bool
	// Plain says that the server knows neither RESP3 nor client-side caching, as some services that speak Redis' protocol,
	// and the server inside the development program. Every session is then asked for each time.
	Plain bool
	// Log is told when the replicas cannot be used; nil is silent.
	Log *slog.Logger
}

// Sentinel names a master that sentinels watch.
type Sentinel struct {
	// Master is the name of the master set; empty is no Sentinel.
	Master string
	// Addresses are the sentinels' "host:port".
	Addresses []string
	// Password is the sentinels' own; empty is the same as that of Redis.
	Password string
}

const (
	dialTimeout = 2 * time.Second
	// A server that does not answer for so long counts as away.
	ioTimeout = 3 * time.Second
	// The sentinels are asked this often, in case a switch was announced while nobody listened.
	topologyInterval = 5 * time.Second
	// rueidis gives each connection two buffers of half a megabyte; our commands are small.
	bufferSize = 64 << 10
)

// Validate returns what is missing in the configuration, naming the field.
func (c Config) Validate() error {
	switch {
	case c.Sentinel.Master == "" && len(c.Sentinel.Addresses) > 0:
		return errors.New("redis: sentinel addresses without the name of the master set")
	case c.Sentinel.Master != "" && len(c.Sentinel.Addresses) == 0:
		return errors.New("redis: a sentinel master set without sentinel addresses")
	case c.Sentinel.Master == "" && c.Address == "":
		return errors.New("redis: neither an address nor a sentinel master set is given")
	}
	return nil
}

// Open connects to Redis and returns once the master answered. The caller closes the client. A read is tried a few
// times within a second or so; afterwards, and for writes at once, a Redis that is away is an error (see Failure).
func Open(c Config) (rueidis.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	client, err := rueidis.NewClient(c.options())
	if err != nil && len(c.Replicas) > 0 {
		// The replica is an optimisation, so its absence must not keep a service from starting.
		alone := c
		alone.Replicas = nil
		if client, err = rueidis.NewClient(alone.options()); err == nil && c.Log != nil {
			c.Log.Warn("redis replicas cannot be reached; reading from the master alone")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("redis: cannot connect: %w", err)
	}
	return client, nil
}

func (c Config) options() rueidis.ClientOption {
	o := rueidis.ClientOption{
		InitAddress:         []string{c.Address},
		Username:            c.Username,
		Password:            c.Password,
		ClientName:          "loyalty",
		Dialer:              net.Dialer{Timeout: dialTimeout, KeepAlive: time.Second},
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
		o.SendToReplicas = stale
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: c.Sentinel.Master, Dialer: o.Dialer, TLSConfig: o.TLSConfig,
			Password: c.Sentinel.Password, TopologyRefreshInterval: topologyInterval,
		}
		if c.Sentinel.Password == "" {
			o.Sentinel.Username, o.Sentinel.Password = c.Username, c.Password
		}
	case len(c.Replicas) > 0:
		o.ForceSingleClient = false
		o.Standalone = rueidis.StandaloneOption{ReplicaAddress: c.Replicas}
		o.SendToReplicas = stale
	}
	return o
}

// stale reports whether a command may be answered by a replica.
func stale(cmd rueidis.Completed) bool {
	words := cmd.Commands()
	return len(words) > 0 && words[0] == "MGET"
}

// retryDelay gives a reconnection, or a failover, a moment, and then gives up: a request must not wait for ever. A server
// that let one attempt run out of time is not asked again.
func retryDelay(attempts int, _ rueidis.Completed, err error) time.Duration {
	const most = 5
	var network net.Error
	if attempts > most || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		return -1
	}
	return time.Duration(10<<attempts) * time.Millisecond
}

// Failure turns an error of the client into what a caller should see: nil and a caller's going away stay themselves, and
// where Redis is away, does not answer in time, or cannot serve for now, the error is DEPENDENCY_UNAVAILABLE. Other errors
// come back as they are. A nil reply is the caller's to recognise first, with rueidis.IsRedisNil.
func Failure(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if reply, ok := rueidis.IsRedisErr(err); ok && !temporary(reply.Error()) {
		return fmt.Errorf("redis: %w", err)
	}
	return apperr.New(apperr.DependencyUnavailable, "try again in a moment").WithCause(err)
}

// temporary reports whether Redis answered that it cannot serve now, rather than that the command is wrong.
func temporary(reply string) bool {
	word, _, _ := strings.Cut(reply, " ")
	switch word {
	case "LOADING", "READONLY", "MASTERDOWN", "BUSY", "TRYAGAIN", "OOM", "NOREPLICAS", "MISCONF", "CLUSTERDOWN":
		return true
	}
	return false
}
