package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// connections limits the number of open HTTP connections, in all and for each address. Hijacked connections do not count. It
// is safe for concurrent use.
type connections struct {
	most, perAddress int
	trusted          []netip.Prefix // proxies, which are exempt from perAddress

	mu        sync.Mutex
	open      int
	addresses map[netip.Addr]int
}

func newConnections(trusted []netip.Prefix) *connections {
	return &connections{
		most: limits.Connections, perAddress: limits.ConnectionsPerAddress, trusted: trusted, addresses: map[netip.Addr]int{},
	}
}

// change follows the state of a connection, as http.Server.ConnState. It closes a new connection that exceeds a limit. There
// is no answer, because the server has not read a request yet.
func (c *connections) change(conn net.Conn, state http.ConnState) {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return // not a network connection
	}
	address := rpcserver.Network(peer.Addr().Unmap())
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
		c.addresses[address]++
		if c.open > c.most || c.addresses[address] > c.perAddress && !c.isTrusted(peer.Addr().Unmap()) {
			_ = conn.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.open--
		if c.addresses[address]--; c.addresses[address] == 0 {
			delete(c.addresses, address)
		}
	case http.StateActive, http.StateIdle:
	}
}

// count returns the number of open connections.
func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (c *connections) isTrusted(peer netip.Addr) bool {
	return slices.ContainsFunc(c.trusted, func(p netip.Prefix) bool { return p.Contains(peer) })
}
