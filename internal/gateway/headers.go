package gateway

import (
	"net"
	"net/http"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// secure sets the headers that make browsers careful. The API answers with data only, so nothing in an answer may be
// run, framed or guessed at; a handler that serves pages sets a policy of its own.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// identify gives the request its id, in the request for the service and in the answer for the client.
func identify(w http.ResponseWriter, r *http.Request) {
	id := rpcserver.ChooseRequestID(r.Header.Values(rpcserver.HeaderRequestID))
	r.Header.Set(rpcserver.HeaderRequestID, id)
	w.Header().Set(rpcserver.HeaderRequestID, id)
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
