// Package origin decides which web pages may use the API with the credentials that a browser adds.
package origin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// origin is the origin of a web page in canonical form. All parts are in lower case, and IPv6 addresses are in their
// shortest form. If the text has no port, port is the default of the scheme.
type origin struct{ scheme, host, port string }

// Policy decides which pages may send requests. The zero value allows a page only on the host that served it. A Policy is
// immutable and safe for concurrent use.
type Policy struct {
	allowAll bool // "*" is configured
	allowed  []origin
}

// NewPolicy parses the configured origins. Each is "https://host[:port]" or "*". They replace the host of the request. The
// error names the first malformed origin.
func NewPolicy(origins []string) (Policy, error) {
	var p Policy
	for _, text := range origins {
		if text == "*" {
			p.allowAll = true
			continue
		}
		o, err := parseOrigin(text)
		if err != nil {
			return Policy{}, fmt.Errorf("%q is not an origin such as https://casino.example", text)
		}
		p.allowed = append(p.allowed, o)
	}
	return p, nil
}

// Allows reports whether a request to host with the header h may come from a page that the policy allows, or from no page.
// The parameter tls reports whether the client used TLS, at least as far as a proxy. Browsers send an Origin header with
// every request that a page makes to another origin, so a request without one is allowed.
func (p Policy) Allows(h http.Header, host string, tls bool) bool {
	lines := h.Values("Origin")
	switch {
	case len(lines) == 0:
		return true
	case len(lines) > 1:
		return false
	case p.allowAll:
		return true
	}
	o, err := parseOrigin(lines[0])
	switch {
	case err != nil:
		return false
	case len(p.allowed) > 0:
		return slices.Contains(p.allowed, o)
	}
	return o.isHost(host, tls)
}

var errNotAnOrigin = errors.New("not an origin")

// parseOrigin parses "scheme://host[:port]". It ignores one trailing slash.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, strings.TrimSuffix(text, "/")) {
		return origin{}, errNotAnOrigin
	}
	host, port, ok := parseAuthority(u.Host)
	if !ok {
		return origin{}, errNotAnOrigin
	}
	return origin{scheme: u.Scheme, host: host, port: cmp.Or(port, defaultPort(u.Scheme))}, nil
}

// parseAuthority splits "host[:port]" and returns both parts in canonical form. port is "" if the text has none. It
// reports false if the text is malformed.
func parseAuthority(text string) (host, port string, ok bool) {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || u.Hostname() == "" {
		return "", "", false
	}
	host = strings.ToLower(u.Hostname())
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.String()
	}
	if u.Port() == "" {
		return host, "", true
	}
	number, err := strconv.ParseUint(u.Port(), 10, 16)
	return host, strconv.FormatUint(number, 10), err == nil
}

// defaultPort returns the default port of a scheme, or "" if the scheme is unknown.
func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// isHost reports whether the origin matches a request's Host header. If the header has no port, the default port of the
// origin's scheme applies. A proxy that terminates TLS may set its own port 80 in the header. So if the client used TLS,
// port 80 in the header also matches port 443 in the origin. The scheme must be http or https, because only web pages
// have a host, and it must be https if the client used TLS.
func (o origin) isHost(header string, tls bool) bool {
	host, port, ok := parseAuthority(header)
	if !ok || host != o.host || o.scheme != "https" && (tls || o.scheme != "http") {
		return false
	}
	return cmp.Or(port, defaultPort(o.scheme)) == o.port || tls && port == "80" && o.port == "443"
}
