// Package websocket serves the players' live connections: it admits them, sends each player's notifications in order,
// without gap or duplicate, and closes connections whose session has ended.
//
// The cursor of a connection implements the order; see there. The socket transports the frames, the hub holds the sockets
// of this replica.
package websocket

import (
	"errors"
	"fmt"
	"time"
)

// Config limits connections. Every field must be set except Origins; see DefaultConfig.
type Config struct {
	// Ping is the interval between pings, Pong the time that a client has to answer one.
	Ping, Pong time.Duration
	// Recheck is how often the sessions of the connections are checked, in case the signal of an ended session was lost.
	Recheck time.Duration
	// Write is the timeout for writing one frame, Close the timeout for the client's answer to a close frame.
	Write, Close time.Duration
	// Store is the timeout for one read of the store, and for all reads of a handshake together.
	Store time.Duration
	// Queue is the number of frames that may wait for a connection. A connection that exceeds it is closed and can resume.
	Queue int
	// PerPlayer and Sockets limit the connections of one player and of this replica.
	PerPlayer, Sockets int
	// Ignored is how many messages of a client are ignored before the connection is closed: clients must not send any.
	Ignored int
	// Origins are the origins of the browser pages that may connect, such as "https://casino.example"; "*" allows all. If
	// there are none, a page may connect to the host that it comes from.
	Origins []string
}

// DefaultConfig returns the configuration for production.
func DefaultConfig() Config {
	return Config{
		Ping: 25 * time.Second, Pong: 20 * time.Second, Recheck: 3 * time.Second,
		Write: 30 * time.Second, Close: 2 * time.Second, Store: 5 * time.Second,
		Queue: 64, PerPlayer: 20, Sockets: 100_000, Ignored: 16,
	}
}

// Validate returns an error that names an invalid field.
func (c Config) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Ping", c.Ping}, {"Pong", c.Pong}, {"Recheck", c.Recheck}, {"Write", c.Write}, {"Close", c.Close},
		{"Store", c.Store},
	} {
		if d.value <= 0 {
			return errors.New(d.name + " must be greater than zero")
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"Queue", c.Queue}, {"PerPlayer", c.PerPlayer}, {"Sockets", c.Sockets}, {"Ignored", c.Ignored},
	} {
		if n.value <= 0 {
			return errors.New(n.name + " must be greater than zero")
		}
	}
	if err := CheckOrigins(c.Origins); err != nil {
		return fmt.Errorf("Origins: %w", err) //nolint:staticcheck // starts with the name of the field
	}
	return nil
}

const (
	readLimit  = 4 << 10 // maximum size of a client's message in bytes
	bufferSize = 512     // bytes of a connection's read buffer; write buffers of the same size are shared
)

// Close codes of RFC 6455, and 4401 from the range for applications.
const (
	codeGoingAway = 1001
	codePolicy    = 1008
	codeTryAgain  = 1013
	codeSession   = 4401
)
