package websocket

import (
	"net/http"
	"slices"
	"strings"
)

// listValues returns the elements of a list-valued header as RFC 9110, section 5.6.1 defines them: the lines of the header
// are one list, and empty elements do not count.
func listValues(h http.Header, name string) []string {
	var values []string
	for _, line := range h.Values(name) {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.Trim(element, " \t"); element != "" {
				values = append(values, element)
			}
		}
	}
	return values
}

// listContains reports whether a list-valued header contains a token, in upper or lower case.
func listContains(h http.Header, name, token string) bool {
	return slices.ContainsFunc(listValues(h, name), func(v string) bool { return strings.EqualFold(v, token) })
}

// isUpgrade reports whether the request asks for an upgrade to WebSocket.
func isUpgrade(h http.Header) bool {
	return listContains(h, "Connection", "upgrade") && listContains(h, "Upgrade", "websocket")
}

// singleValues returns a copy of the request whose list-valued headers of the handshake have the one value that matters,
// where they contain it: the library does not accept every form of a list.
func singleValues(r *http.Request) *http.Request {
	c := r.Clone(r.Context())
	for name, token := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13",
	} {
		if listContains(c.Header, name, token) {
			c.Header.Set(name, token)
		}
	}
	return c
}

// bearerProtocol returns the access token among the offered subprotocols.
func bearerProtocol(offered []string) (token string, ok bool) {
	for _, protocol := range offered {
		if token, ok := strings.CutPrefix(protocol, tokenPrefix); ok {
			return token, token != ""
		}
	}
	return "", false
}

// chooseProtocol returns the first offered subprotocol that the server supports, or "", which means JSON too.
func chooseProtocol(offered []string) string {
	for _, protocol := range offered {
		if protocol == protocolJSON || protocol == protocolBinary {
			return protocol
		}
	}
	return ""
}
