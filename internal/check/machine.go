package check

import (
	"context"
	"fmt"
	"net/netip"
)

// Machine is the machine on which the services run. The check must run there, or in the same image with the same limits.
type Machine struct {
	// TrustedProxies are the networks of the gateway.
	TrustedProxies []netip.Prefix
	// Sockets is the number of live connections that a process must be able to open; 0 if it opens none.
	Sockets int
}

// spareFiles is the number of files that a process opens beside its live connections.
const spareFiles = 1000

// Run implements the check of the machine.
func (c Machine) Run(_ context.Context, r *Report) {
	if len(c.TrustedProxies) == 0 {
		r.Warn("LOYALTY_TRUSTED_PROXIES is not set: behind a gateway, all clients share the rate limits of one address",
			"set it to the networks of the gateway")
	} else {
		r.OKf("forwarded client addresses are accepted from %v", c.TrustedProxies)
	}
	if c.Sockets == 0 {
		return
	}
	limit, err := fileLimit()
	wanted := uint64(c.Sockets) + spareFiles
	switch {
	case err != nil:
		r.FailedTo("read the limit of open files", err, "")
	case limit < wanted:
		r.Warn(fmt.Sprintf("a process may open %d files, which limits it to fewer live connections than the %d that it accepts",
			limit, c.Sockets), fmt.Sprintf("raise the limit (ulimit -n, LimitNOFILE) to %d", wanted))
	default:
		r.OKf("a process may open %d files, enough for %d live connections", limit, c.Sockets)
	}
}
