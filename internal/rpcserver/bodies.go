package rpcserver

import (
	"cmp"
	"net/netip"
	"sync"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// bodies limits the bodies of the requests in progress: the size and the time of each, the memory of all, and the memory of
// those of each address. It is safe for concurrent use.
type bodies struct {
	bodyLimits

	mu        sync.Mutex
	used      int
	addresses map[netip.Addr]int
}

type bodyLimits struct {
	size                 int // of a message, in bytes after decompression
	timeout              time.Duration
	most, mostPerAddress int // memory in bytes
}

func newBodies(l bodyLimits) *bodies { return &bodies{bodyLimits: l, addresses: map[netip.Addr]int{}} }

// newBodyLimits returns the limits for methods that need a token, and for the others.
func newBodyLimits(cfg Config) (known, anonymous bodyLimits) {
	known = bodyLimits{
		size: cfg.MaxBody, timeout: cfg.BodyTimeout,
		most: cmp.Or(cfg.Bodies, limits.Bodies), mostPerAddress: cmp.Or(cfg.BodiesPerAddress, limits.BodiesPerAddress),
	}
	anonymous = bodyLimits{
		size: known.size, timeout: min(known.timeout, limits.AnonymousBodyTimeout),
		most:           min(known.most, limits.AnonymousBodies),
		mostPerAddress: min(known.mostPerAddress, limits.AnonymousBodiesPerAddress),
	}
	return known, anonymous
}

// lease returns a lease without memory for the body of a call of m.
func (s *Server) lease(m *method, client netip.Addr) *lease {
	if m.access.open {
		return s.anonymous.lease(client)
	}
	return s.bodies.lease(client)
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
