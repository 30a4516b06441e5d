// Package websocket serves the players' live connections: it admits them, sends each player's notifications in order,
// without gap or duplicate, and closes connections whose session has ended.
//
// A cursor decides which frames a connection receives, and in which order. A socket sends the frames of one connection.
// The hub holds the sockets of this replica.
package websocket

import (
	"errors"
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/origin"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// Config limits connections. Every field must be set except Origins and Tracer; see DefaultConfig.
type Config struct {
	// PingInterval is the interval between pings. PongTimeout is the time that a client has to answer a ping.
	PingInterval, PongTimeout time.Duration
	// RecheckInterval is the interval at which the hub checks the sessions of all connections. It finds ended sessions
	// whose signal was lost.
	RecheckInterval time.Duration
	// WriteTimeout is the timeout for writing one frame. CloseTimeout is the timeout for the client's answer to a close
	// frame.
	WriteTimeout, CloseTimeout time.Duration
	// StoreTimeout is the timeout for one read of the store, and for all reads of a handshake together.
	StoreTimeout time.Duration
	// QueueLength is the number of frames that may wait for a connection. A connection that exceeds it is closed and can
	// resume.
	QueueLength int
	// MaxSocketsPerPlayer and MaxSocketsPerAddress are the maximum numbers of connections of one player and of one client
	// address on this replica. MaxSockets is the maximum number of all connections on this replica.
	MaxSocketsPerPlayer, MaxSocketsPerAddress, MaxSockets int
	// MaxIgnoredMessages is the number of client messages that are ignored before the connection is closed. Clients must
	// not send messages.
	MaxIgnoredMessages int
	// Origins lists the origins of the browser pages that may connect, such as "https://casino.example"; "*" allows all.
	// If it is empty, a page may connect only to its own host.
	Origins []string
	// Tracer traces the frames of notifications. It is optional.
	Tracer *tracing.Tracer
}

// DefaultConfig returns the configuration for production.
func DefaultConfig() Config {
	return Config{
		PingInterval: 25 * time.Second, PongTimeout: 20 * time.Second, RecheckInterval: 3 * time.Second,
		WriteTimeout: 30 * time.Second, CloseTimeout: 2 * time.Second, StoreTimeout: 5 * time.Second,
		QueueLength: 64, MaxSocketsPerPlayer: limits.SocketsPerPlayer, MaxSocketsPerAddress: limits.SocketsPerAddress,
		MaxSockets: limits.Sockets, MaxIgnoredMessages: limits.SocketMessages,
	}
}

// Validate returns an error that names an invalid field.
func (c Config) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"PingInterval", c.PingInterval}, {"PongTimeout", c.PongTimeout}, {"RecheckInterval", c.RecheckInterval},
		{"WriteTimeout", c.WriteTimeout}, {"CloseTimeout", c.CloseTimeout}, {"StoreTimeout", c.StoreTimeout},
	} {
		if d.value <= 0 {
			return errors.New(d.name + " must be greater than zero")
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"QueueLength", c.QueueLength}, {"MaxSocketsPerPlayer", c.MaxSocketsPerPlayer},
		{"MaxSocketsPerAddress", c.MaxSocketsPerAddress}, {"MaxSockets", c.MaxSockets},
		{"MaxIgnoredMessages", c.MaxIgnoredMessages},
	} {
		if n.value <= 0 {
			return errors.New(n.name + " must be greater than zero")
		}
	}
	if _, err := origin.NewPolicy(c.Origins); err != nil {
		return fmt.Errorf("Origins: %w", err) //nolint:staticcheck // starts with the name of the field
	}
	return nil
}

// bufferSize is the size in bytes of a connection's read buffer, and of the shared write buffers.
const bufferSize = 512

// Close codes. 1001 and 1008 are from RFC 6455, 1013 is from the IANA registry, and 4401 is from the range for private
// use.
const (
	codeGoingAway = 1001
	codePolicy    = 1008
	codeTryAgain  = 1013
	codeSession   = 4401
)
