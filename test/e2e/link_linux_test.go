package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// link forwards TCP connections to a server. It can hold the server's answers back: the server receives requests and carries
// them out, but the client does not learn about it.
type link struct {
	to       string
	address  string       // listens here
	requests atomic.Int64 // bytes that clients have sent since hold

	mu   sync.Mutex
	held *hold // nil unless answers are held
}

// hold is a period in which answers are held.
type hold struct {
	ended   chan struct{}
	deliver bool // set before ended is closed
}

// startLink forwards connections from the address listen to the address to until the test ends.
func startLink(t *testing.T, listen, to string) *link {
	t.Helper()
	l := &link{to: to}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	l.address = listener.Addr().String()
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go l.serve(client)
		}
	}()
	return l
}

// serve forwards one connection until one of its ends closes it.
func (l *link) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		defer client.Close()
		copyChunks(server, client, func(n int) bool { l.requests.Add(int64(n)); return true })
	}()
	copyChunks(client, server, func(int) bool {
		l.mu.Lock()
		held := l.held
		l.mu.Unlock()
		if held == nil {
			return true
		}
		<-held.ended
		return held.deliver
	})
}

// copyChunks copies until an error. It passes the length of each chunk to allow before it writes the chunk, and ends if
// allow returns false.
func copyChunks(to, from net.Conn, allow func(int) bool) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !allow(n) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold holds the answers back until release or lose.
func (l *link) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = &hold{ended: make(chan struct{})}
	l.requests.Store(0)
}

// release delivers the held answers.
func (l *link) release() { l.end(true) }

// lose drops the held answers and closes their connections, like the death of the server.
func (l *link) lose() { l.end(false) }

func (l *link) end(deliver bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return
	}
	l.held.deliver = deliver
	close(l.held.ended)
	l.held = nil
}
