package rpcserver

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// firstRead is the size of the buffer for a body whose size is not known, in bytes.
const firstRead = 512

// readBody returns the body of a request: a message with a prefix of the given size. The memory belongs to the lease. It
// returns PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, VALIDATION_FAILED if the body is malformed or incomplete, or an error of the
// lease.
func readBody(w http.ResponseWriter, r *http.Request, l *lease, prefix int) ([]byte, *apperr.Error) {
	limit := prefix + l.bodies.size
	if r.ContentLength > int64(limit) { // before a client that waits for "100 Continue" sends the body
		return nil, tooLarge(l.bodies.size)
	}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	size := firstRead
	if r.ContentLength > 0 {
		size = min(int(r.ContentLength)+1, limits.BodyMinimum) // the last byte is for the end of the body
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(l.bodies.timeout)) // a ResponseRecorder has no deadline
	body := make([]byte, 0, size)
	for {
		if err := l.grow(cap(body)); err != nil {
			return nil, err
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, tooLarge(l.bodies.size)
		case errors.Is(err, io.EOF):
			_ = control.SetReadDeadline(time.Time{}) // otherwise it would cancel the context of a long call
			return body, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, apperr.New(apperr.RequestTimeout, "the body did not arrive within %v", l.bodies.timeout)
		case err != nil:
			return nil, apperr.Invalid("", "body", "the body could not be read to its end").WithCause(err)
		case len(body) == cap(body):
			larger := make([]byte, len(body), min(2*cap(body), limit+1))
			copy(larger, body)
			body = larger
		}
	}
}

// envelope is the size of the prefix of a message in gRPC and gRPC-Web: a byte with flags, and the length of the message.
const envelope = 5

// readMessage returns the body of an RPC in the form that Connect reads, without compression. framed is true for gRPC and
// gRPC-Web.
func (s *Server) readMessage(w http.ResponseWriter, r *http.Request, l *lease, framed bool) ([]byte, *apperr.Error) {
	if !framed {
		body, err := readBody(w, r, l, 0)
		if err != nil || !isGzip(r.Header, "Content-Encoding") || len(body) == 0 {
			return body, err
		}
		r.Header.Del("Content-Encoding")
		return s.gunzip(body, l)
	}
	body, err := readBody(w, r, l, envelope)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if len(body) < envelope || len(body)-envelope < int(binary.BigEndian.Uint32(body[1:envelope])) {
		return nil, apperr.Invalid("", "body", "the body ends before the message")
	}
	end := envelope + int(binary.BigEndian.Uint32(body[1:envelope]))
	if body[0] != 1 || !isGzip(r.Header, "Grpc-Encoding") || end == envelope {
		return body, nil
	}
	message, err := s.gunzip(body[envelope:end], l)
	if err != nil {
		return nil, err
	}
	plain := binary.BigEndian.AppendUint32(make([]byte, 1, envelope+len(message)), uint32(len(message)))
	return append(plain, message...), nil
}

func isGzip(h http.Header, name string) bool { return strings.EqualFold(h.Get(name), "gzip") }

// gunzip decompresses a message. It stops at the maximum size of a message.
func (s *Server) gunzip(compressed []byte, l *lease) ([]byte, *apperr.Error) {
	if len(compressed) > limits.CompressedBody {
		return nil, apperr.New(apperr.PayloadTooLarge, "the compressed request exceeds %d bytes", limits.CompressedBody)
	}
	src := bytes.NewReader(compressed)
	z, ok := s.gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer s.gzips.Put(z)
	var out bytes.Buffer
	err := z.Reset(src)
	if err == nil {
		_, err = out.ReadFrom(io.LimitReader(z, int64(l.bodies.size)+1))
	}
	switch {
	case err != nil:
		return nil, apperr.Invalid("", "body", "the compressed body could not be read").WithCause(err)
	case out.Len() > l.bodies.size:
		return nil, tooLarge(l.bodies.size)
	}
	return out.Bytes(), l.grow(len(compressed) + out.Cap())
}
