package rpc

import (
	"context"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/origin"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// checkOrigin returns FORBIDDEN if the token comes from the cookie and the request from a page of another origin. Browsers
// add the cookie to requests without the knowledge of the page. Clients that are no browsers send neither Sec-Fetch-Site nor
// Origin.
func (p presentedTokens) checkOrigin(ctx context.Context, h http.Header) error {
	if !p.fromCookie || sameOrigin(h, rpcserver.Host(ctx), rpcserver.ClientUsesTLS(ctx)) {
		return nil
	}
	return apperr.New(apperr.Forbidden, "a page of another origin may not use the cookie")
}

// sameOrigin reports whether a request to host may come from a page of the same origin, or from no page. tls reports whether
// the client uses TLS.
func sameOrigin(h http.Header, host string, tls bool) bool {
	for _, site := range h.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return origin.Policy{}.Allows(h, host, tls)
}
