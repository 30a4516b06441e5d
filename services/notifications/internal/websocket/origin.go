package websocket

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// parseOrigins returns origins in lower case, "https://host[:port]", or "*".
func parseOrigins(origins []string) ([]string, error) {
	parsed := make([]string, len(origins))
	for i, o := range origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			return nil, fmt.Errorf("Origins: %q is not an origin such as https://casino.example", o) //nolint:staticcheck // its name
		}
		parsed[i] = strings.ToLower(o)
	}
	return parsed, nil
}

// originAllowed reports whether the page that opens the connection may. Only browsers send an Origin, and they always
// do: without one the client is a program, which no page can command.
func originAllowed(r *http.Request, allowed []string) bool {
	given := r.Header.Values("Origin")
	switch {
	case len(given) == 0:
		return true
	case len(given) > 1:
		return false
	case slices.Contains(allowed, "*"):
		return true
	case len(allowed) > 0:
		return slices.Contains(allowed, strings.ToLower(given[0]))
	}
	u, err := url.Parse(given[0])
	return err == nil && u.Host != "" && sameHost(u, r.Host)
}

// sameHost compares a page's host with that of the request. A proxy may have left the port out of the latter.
func sameHost(origin *url.URL, host string) bool {
	if !strings.Contains(strings.TrimSuffix(host, "]"), ":") || strings.HasSuffix(host, "]") {
		return strings.EqualFold(origin.Hostname(), strings.Trim(host, "[]"))
	}
	return strings.EqualFold(origin.Host, host)
}
