package redis

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
)

// dialer opens the connections of a client. It makes Open end with its context, which rueidis.NewClient does not accept:
// until opened is set, the end of the context interrupts attempts to connect and closes new connections.
type dialer struct {
	ctx    context.Context // the context of Open
	opened atomic.Bool
}

// dial implements rueidis.ClientOption.DialCtxFn.
func (d *dialer) dial(ctx context.Context, address string, base *net.Dialer, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer d.interrupt(cancel)()
	var conn net.Conn
	var err error
	if config != nil {
		conn, err = (&tls.Dialer{NetDialer: base, Config: config}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = base.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	d.interrupt(func() { _ = conn.Close() })
	return conn, nil
}

// interrupt calls fn when the context of Open ends, unless the client has been opened by then. The returned function cancels
// the call.
func (d *dialer) interrupt(fn func()) (stop func() bool) {
	if d.opened.Load() {
		return func() bool { return true }
	}
	return context.AfterFunc(d.ctx, func() {
		if !d.opened.Load() {
			fn()
		}
	})
}
