package websocket

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

// originPolicy decides which pages may open connections.
type originPolicy struct {
	allowAll bool // "*" is configured
	allowed  []origin
}

// CheckOrigins returns an error that names the first malformed origin.
func CheckOrigins(origins []string) error {
	_, err := newOriginPolicy(origins)
	return err
}

// newOriginPolicy parses the configured origins. Each is "https://host[:port]" or "*". If there are none, a page may
// connect only to the host that served it.
func newOriginPolicy(origins []string) (originPolicy, error) {
	var p originPolicy
	for _, text := range origins {
		if text == "*" {
			p.allowAll = true
			continue
		}
		o, err := parseOrigin(text)
		if err != nil {
			return originPolicy{}, fmt.Errorf("%q is not an origin such as https://casino.example", text)
		}
		p.allowed = append(p.allowed, o)
	}
	return p, nil
}

// allows reports whether a page may open the connection. tls reports whether the client used TLS, at least as far as a
// proxy. Browsers always send an Origin header, so a request without one does not come from a web page and is allowed.
func (p originPolicy) allows(r *http.Request, tls bool) bool {
	lines := r.Header.Values("Origin")
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
	return o.isHost(r.Host, tls)
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
// have a host.
func (o origin) isHost(header string, tls bool) bool {
	host, port, ok := parseAuthority(header)
	if !ok || host != o.host || o.scheme != "http" && o.scheme != "https" {
		return false
	}
	return cmp.Or(port, defaultPort(o.scheme)) == o.port || tls && port == "80" && o.port == "443"
}
