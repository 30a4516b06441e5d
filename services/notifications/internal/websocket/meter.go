package websocket

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// meter limits what a client sends on a connection: at most limits.SocketBytes at once and limits.SocketBytesPerSecond for a
// long time. The limit covers pings, pongs and fragments, which the WebSocket library handles without returning to its
// caller. Only one goroutine may use a meter.
type meter struct {
	// exceeded is called when the client exceeds the limit.
	exceeded func()
	// spent is the number of bytes that count against limits.SocketBytes at the time at.
	spent float64
	at    time.Time
}

// discardInterval is the interval between the reads of discarded data.
const discardInterval = 10 * time.Millisecond

// read reads from a connection. After the client has exceeded the limit, it discards what it reads.
func (m *meter) read(conn io.Reader, p []byte) (int, error) {
	n, err := conn.Read(p)
	now := time.Now()
	m.spent = max(0, m.spent-now.Sub(m.at).Seconds()*limits.SocketBytesPerSecond) + float64(n)
	m.at = now
	if m.spent <= limits.SocketBytes {
		return n, err
	}
	m.exceeded()
	for err == nil { // until the closing handshake times out, because closing now could make the client lose the close frame
		time.Sleep(discardInterval)
		_, err = conn.Read(p)
	}
	return 0, err
}

// meteredTCP is a TCP connection with a meter. It embeds the connection itself, so that the library can write several
// buffers in one system call.
type meteredTCP struct {
	*net.TCPConn

	meter meter
}

func (c *meteredTCP) Read(p []byte) (int, error) { return c.meter.read(c.TCPConn, p) }

// meteredConn is another connection with a meter.
type meteredConn struct {
	net.Conn

	meter meter
}

func (c *meteredConn) Read(p []byte) (int, error) { return c.meter.read(c.Conn, p) }

// meteredWriter is the ResponseWriter of a handshake. Its hijacked connection has a meter that closes the socket.
type meteredWriter struct {
	http.ResponseWriter

	socket *socket
}

// Hijack implements http.Hijacker.
func (w meteredWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if outer, ok := conn.(interface{ NetConn() net.Conn }); ok { // of package gateway
		conn = outer.NetConn()
	}
	s := w.socket // the function must not refer to w, which would keep the request and its buffers in memory
	m := meter{exceeded: func() { s.close(codePolicy, "clients must not send so much data") }, at: time.Now()}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &meteredTCP{tcp, m}, buffers, nil
	}
	return &meteredConn{conn, m}, buffers, nil
}
