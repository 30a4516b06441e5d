package websocket

import (
	"net/http"
	"slices"
	"strings"
)

// listValues returns the elements of a list-valued header. The header's lines form one list, and empty elements are
// skipped (RFC 9110, section 5.6.1).
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

// listContains reports whether a list-valued header contains a token, ignoring case.
func listContains(h http.Header, name, token string) bool {
	return slices.ContainsFunc(listValues(h, name), func(v string) bool { return strings.EqualFold(v, token) })
}

// isUpgrade reports whether the request asks for an upgrade to WebSocket.
func isUpgrade(h http.Header) bool {
	return listContains(h, "Connection", "upgrade") && listContains(h, "Upgrade", "websocket")
}

// singleValues returns a copy of the request for the upgrader, which does not parse every valid list. If a handshake
// header contains its required value, the copy has only that value.
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

// bearerProtocol returns the access token among the offered subprotocols. It reports false if there is no token or if the
// token is empty.
func bearerProtocol(offered []string) (token string, ok bool) {
	for _, protocol := range offered {
		if token, ok := strings.CutPrefix(protocol, tokenPrefix); ok {
			return token, token != ""
		}
	}
	return "", false
}

// chooseProtocol returns the first offered subprotocol that the server supports, or "". Without a subprotocol, the frames
// are JSON.
func chooseProtocol(offered []string) string {
	for _, protocol := range offered {
		if protocol == protocolJSON || protocol == protocolBinary {
			return protocol
		}
	}
	return ""
}
