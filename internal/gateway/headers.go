package gateway

import (
	"net"
	"net/http"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// secure sets the security headers for browsers. Answers of the API contain only data, so browsers must not execute,
// frame or sniff them. A handler that serves pages replaces the policy.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// identify sets the header with the request id in the request, for the service, and in the answer, for the client.
func identify(w http.ResponseWriter, r *http.Request) {
	id := rpcserver.ChooseRequestID(r.Header.Values(rpcserver.HeaderRequestID))
	r.Header.Set(rpcserver.HeaderRequestID, id)
	w.Header().Set(rpcserver.HeaderRequestID, id)
}

// forward sets the headers with the client's address and scheme for the service. It first removes all forwarding headers
// that the client sent, because clients can forge them.
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
