package rpc

import (
	"net/http"
	"testing"
)

func TestSameOrigin(t *testing.T) {
	for name, tt := range map[string]struct {
		header http.Header
		tls    bool
		want   bool
	}{
		"no browser":              {nil, true, true},
		"same origin":             {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://api.example"}}, true, true},
		"default port":            {http.Header{"Origin": {"https://API.example:443"}}, true, true},
		"plain HTTP":              {http.Header{"Origin": {"http://api.example"}}, false, true},
		"no page":                 {http.Header{"Sec-Fetch-Site": {"none"}}, true, true},
		"cross-site":              {http.Header{"Sec-Fetch-Site": {"cross-site"}}, true, false},
		"same-site":               {http.Header{"Sec-Fetch-Site": {"same-site"}}, true, false},
		"unknown site":            {http.Header{"Sec-Fetch-Site": {""}}, true, false},
		"two sites":               {http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, true, false},
		"another origin":          {http.Header{"Origin": {"https://evil.example"}}, true, false},
		"sibling":                 {http.Header{"Origin": {"https://evil.api.example"}}, true, false},
		"another port":            {http.Header{"Origin": {"https://api.example:8443"}}, true, false},
		"plain HTTP page":         {http.Header{"Origin": {"http://api.example"}}, true, false},
		"opaque origin":           {http.Header{"Origin": {"null"}}, true, false},
		"two origins":             {http.Header{"Origin": {"https://api.example", "https://evil.example"}}, true, false},
		"site and foreign origin": {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://evil.example"}}, true, false},
	} {
		if got := sameOrigin(tt.header, "api.example", tt.tls); got != tt.want {
			t.Errorf("%s: sameOrigin = %t, want %t", name, got, tt.want)
		}
	}
}
