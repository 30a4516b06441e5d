// Package websocket holds the players' live connections: it admits them, sends each the player's notifications in the
// order of their numbers, without gap or duplicate, and ends them when they may not go on.
//
// The order comes from one rule. A connection knows the number it was sent last; the next one is sent as it arrives, an
// older one is dropped, and anything else makes the connection read the store from where it stands. Resuming, a lost
// message and a lost connection to Redis are all the same case.
//
// A read state says how many notifications there were when it was counted, and is told behind exactly these: the unread
// ones that a connection is told of are those of the notifications that it was sent.
package websocket

import (
	"errors"
	"time"
)

// Config bounds connections. Every member is set; see DefaultConfig.
type Config struct {
	// Ping is how often a connection is pinged, Pong how long it may take to answer.
	Ping, Pong time.Duration
	// Recheck is how often the sessions behind the connections are checked, besides being told when one ends.
	Recheck time.Duration
	// Write is how long the network may take over one frame, Close how long a peer may take to answer a close.
	Write, Close time.Duration
	// Store is how long the store may take over one read, and all reads of a handshake together.
	Store time.Duration
	// Queue is how many frames may wait for a connection before it is told to come back.
	Queue int
	// PerPlayer and Sockets bound the connections of one player and of this replica.
	PerPlayer, Sockets int
	// Ignored is how many messages of a client, which has nothing to say, are passed over.
	Ignored int
	// Origins are the origins of browser pages that may connect, "https://casino.example"; "*" is any. With none, the
	// page must come from the host that it connects to.
	Origins []string
}

// DefaultConfig is made for production.
func DefaultConfig() Config {
	return Config{
		Ping: 25 * time.Second, Pong: 20 * time.Second, Recheck: 3 * time.Second,
		Write: 30 * time.Second, Close: 2 * time.Second, Store: 5 * time.Second,
		Queue: 64, PerPlayer: 20, Sockets: 100_000, Ignored: 16,
	}
}

// Validate names the member that makes no sense.
func (c Config) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Ping", c.Ping}, {"Pong", c.Pong}, {"Recheck", c.Recheck}, {"Write", c.Write}, {"Close", c.Close},
		{"Store", c.Store},
	} {
		if d.value <= 0 {
			return errors.New(d.name + " must be above zero")
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"Queue", c.Queue}, {"PerPlayer", c.PerPlayer}, {"Sockets", c.Sockets}, {"Ignored", c.Ignored},
	} {
		if n.value <= 0 {
			return errors.New(n.name + " must be above zero")
		}
	}
	_, err := parseOrigins(c.Origins)
	return err
}

const (
	readLimit  = 4 << 10 // bytes of one message from a client
	bufferSize = 512     // bytes of a connection's read buffer; write buffers of the same size are shared

	replayPage     = 50 // notifications read at once
	replayAttempts = 6
	replayPause    = 50 * time.Millisecond // doubled from attempt to attempt

	// Connections that read the store at the same time, open ones and new ones. Together they leave a part of its pool,
	// of 16, to the consumer and to requests.
	replayReaders    = 6
	handshakeReaders = 4
)

// Close codes, of RFC 6455 and of the contract's own range.
const (
	codeGoingAway = 1001
	codePolicy    = 1008
	codeTryAgain  = 1013
	codeSession   = 4401
)
