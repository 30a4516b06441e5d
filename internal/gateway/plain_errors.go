package gateway

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// If net/http cannot parse a request, it writes an answer in plain text directly to the connection. There is no setting to
// change the text. problemConn therefore replaces it with a problem document.

// problemListener accepts connections that replace the texts of net/http.
type problemListener struct{ net.Listener }

// Accept implements net.Listener.
func (l problemListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		return &problemConn{tcp}, nil
	}
	return conn, err
}

// problemConn is a connection that replaces the texts of net/http. It embeds the TCP connection itself, because net/http
// uses its other methods for faster writes.
type problemConn struct{ *net.TCPConn }

// NetConn returns the connection without the replacement, for a handler that has hijacked it.
func (c *problemConn) NetConn() net.Conn { return c.TCPConn }

// Write implements net.Conn.
func (c *problemConn) Write(p []byte) (int, error) {
	e := plainError(p)
	if e == nil {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(problemResponse(e)); err != nil {
		return 0, err
	}
	return len(p), nil
}

const (
	// plainHeaders are the headers of the texts of net/http. No handler writes exactly these headers, since each answer has at
	// least a Date.
	plainHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	// longestPlain is more than the size of a text of net/http with its headers.
	longestPlain = 512
)

// plainError returns the error that replaces a text of net/http. It returns nil for other data.
func plainError(p []byte) *apperr.Error {
	status, ok := bytes.CutPrefix(p, []byte("HTTP/1.1 "))
	if !ok || len(p) > longestPlain || status[0] != '4' && status[0] != '5' || !bytes.Contains(p, []byte(plainHeaders)) {
		return nil
	}
	switch string(status[:3]) {
	case "431":
		return apperr.New(apperr.PayloadTooLarge, "the request header is too large")
	case "501":
		return apperr.Invalid("", "transfer_encoding", "the Transfer-Encoding is not supported")
	case "505":
		return apperr.Invalid("", "http_version", "the HTTP version is not supported")
	default:
		return apperr.Invalid("", "http", "the request is malformed")
	}
}

// problemResponse returns an HTTP/1.1 response with a problem document. The path of the request is unknown.
func problemResponse(e *apperr.Error) []byte {
	w := &bufferedResponse{header: http.Header{}}
	secure(w.header)
	rpcserver.WriteProblem(w, &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}}, e)
	w.header.Set("Connection", "close")
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
	_ = w.header.Write(&out) // a buffer accepts everything
	out.WriteString("\r\n")
	out.Write(w.body.Bytes())
	return out.Bytes()
}

// bufferedResponse is a ResponseWriter that keeps the response.
type bufferedResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *bufferedResponse) Header() http.Header         { return w.header }
func (w *bufferedResponse) WriteHeader(status int)      { w.status = status }
func (w *bufferedResponse) Write(p []byte) (int, error) { return w.body.Write(p) }
