package gateway

import (
	"net"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

const requestIDHeader = "X-Request-Id"

// secure sets the headers that make browsers careful. The API answers with data only, so nothing in an answer may be
// run, framed or guessed at; a handler that serves pages sets a policy of its own.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// identify gives the request its id, in the request for the service and in the answer for the client: the client's own
// if it is well-formed, else a new one.
func identify(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(requestIDHeader)
	if len(r.Header.Values(requestIDHeader)) != 1 || !isRequestID(id) {
		id = uuid.Must(uuid.NewV7()).String()
		r.Header.Set(requestIDHeader, id)
	}
	w.Header().Set(requestIDHeader, id)
}

// isRequestID accepts 8 to 64 letters, digits, dots, dashes and underscores: safe in a log line and long enough to find.
func isRequestID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	return strings.IndexFunc(id, func(c rune) bool {
		isWord := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !isWord && c != '.' && c != '-' && c != '_'
	}) < 0
}

// forward tells the service who asks, as the connection shows it. What a client claims about that is dropped.
func forward(r *http.Request) {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Original-") {
			r.Header.Del(name)
		}
	}
	for _, name := range []string{"Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip"} {
		r.Header.Del(name)
	}
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	r.Header.Set("X-Real-Ip", address)
	r.Header.Set("X-Forwarded-For", address)
	r.Header.Set("X-Forwarded-Proto", scheme)
}
