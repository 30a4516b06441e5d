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

// origin is the origin of a web page in canonical form: in lower case, with the default port of its scheme where the
// text has none, and with IPv6 addresses in their shortest form.
type origin struct{ scheme, host, port string }

// originPolicy decides which pages may open connections.
type originPolicy struct {
	any     bool // "*" is configured
	allowed []origin
}

// CheckOrigins returns an error that names the first malformed origin.
func CheckOrigins(origins []string) error {
	_, err := newOriginPolicy(origins)
	return err
}

// newOriginPolicy parses the configured origins, "https://host[:port]" or "*". With none, a page may connect to the host
// that it comes from.
func newOriginPolicy(origins []string) (originPolicy, error) {
	var p originPolicy
	for _, text := range origins {
		if text == "*" {
			p.any = true
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

// allows reports whether the page that opens the connection may do so. tls says that the client
// connected with TLS, if only to a proxy. Browsers always send an Origin; a client without one is a program, which no page
// controls.
func (p originPolicy) allows(r *http.Request, tls bool) bool {
	lines := r.Header.Values("Origin")
	switch {
	case len(lines) == 0:
		return true
	case len(lines) > 1:
		return false
	case p.any:
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

// parseOrigin parses "scheme://host[:port]"; a slash after it is ignored.
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

// parseAuthority splits "host[:port]" and returns both in canonical form; port is "" where there is none.
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

// defaultPort returns the port of a URL without one, "" for a scheme that has none.
func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// isHost reports whether a page of the origin comes from the host that a request names in its Host header. A header without
// a port stands for the default port of the page's scheme. A proxy that terminates TLS may have put its own port 80 there,
// which then stands for 443. Only web pages have a host, so the scheme must be http or https.
func (o origin) isHost(header string, tls bool) bool {
	host, port, ok := parseAuthority(header)
	if !ok || host != o.host || o.scheme != "http" && o.scheme != "https" {
		return false
	}
	return cmp.Or(port, defaultPort(o.scheme)) == o.port || tls && port == "80" && o.port == "443"
}
