package rpcserver

import (
	"net/netip"
	"sync"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// bodies limits the memory of the bodies of all requests in progress, in all and for each address. It is safe for concurrent
// use.
type bodies struct {
	most, mostPerAddress int

	mu        sync.Mutex
	used      int
	addresses map[netip.Addr]int
}

func newBodies(most, mostPerAddress int) *bodies {
	return &bodies{most: most, mostPerAddress: mostPerAddress, addresses: map[netip.Addr]int{}}
}

// lease is the memory of one body. Only the goroutine of the request uses it.
type lease struct {
	bodies  *bodies
	address netip.Addr
	size    int
}

// lease returns a lease without memory for a client.
func (b *bodies) lease(client netip.Addr) *lease { return &lease{bodies: b, address: Network(client)} }

// grow increases the lease to size bytes. It returns RATE_LIMITED if the address has used up its memory, and
// DEPENDENCY_UNAVAILABLE if all memory is used up. In both cases the client can repeat the request.
func (l *lease) grow(size int) *apperr.Error {
	size = max(size, limits.BodyMinimum)
	if size <= l.size {
		return nil
	}
	b := l.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	more := size - l.size
	switch {
	case b.addresses[l.address]+more > b.mostPerAddress:
		return apperr.New(apperr.RateLimited, "too many requests of this address are in progress")
	case b.used+more > b.most:
		return apperr.New(apperr.DependencyUnavailable, "too many requests are in progress")
	}
	b.used += more
	b.addresses[l.address] += more
	l.size = size
	return nil
}

// release returns the memory.
func (l *lease) release() {
	if l.size == 0 {
		return
	}
	b := l.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= l.size
	if b.addresses[l.address] -= l.size; b.addresses[l.address] == 0 {
		delete(b.addresses, l.address)
	}
	l.size = 0
}

// Network returns the address that identifies a client in limits: an IPv4 address, or the first address of the /64 network
// of an IPv6 address, because a client usually has a whole network.
func Network(client netip.Addr) netip.Addr {
	if client.Is6() && !client.Is4In6() {
		if network, err := client.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return client.Unmap()
}
