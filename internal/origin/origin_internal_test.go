package origin

import (
	"net"
	"net/http"
	"testing"
)

func TestPolicy(t *testing.T) {
	type list = []string
	casino := list{"https://casino.example"}
	for name, tt := range map[string]struct {
		configured   list
		origin, host string
		tls          bool
		want         bool
	}{
		// Without configured origins the page must come from the request's host.
		"same host":                          {nil, "https://casino.example", "casino.example", false, true},
		"same host and port":                 {nil, "https://casino.example:8443", "casino.example:8443", false, true},
		"upper case":                         {nil, "https://casino.example", "Casino.Example:443", false, true},
		"default port of https in the host":  {nil, "https://casino.example", "casino.example:443", false, true},
		"default port of http in the host":   {nil, "http://casino.example", "casino.example:80", false, true},
		"default port in the origin":         {nil, "https://casino.example:443", "casino.example", false, true},
		"default port in both":               {nil, "https://casino.example:443", "casino.example:443", false, true},
		"host without the origin's port":     {nil, "https://casino.example:8443", "casino.example", false, false},
		"default port of the other scheme":   {nil, "http://casino.example", "casino.example:443", false, false},
		"port 80 with https":                 {nil, "https://casino.example", "casino.example:80", false, false},
		"port 80 behind a proxy with TLS":    {nil, "https://casino.example", "casino.example:80", true, true},
		"port 443 behind a proxy with TLS":   {nil, "https://casino.example", "casino.example:443", true, true},
		"another port behind a proxy":        {nil, "https://casino.example", "casino.example:8080", true, false},
		"page without TLS":                   {nil, "http://casino.example", "casino.example", true, false},
		"another port":                       {nil, "https://casino.example", "casino.example:8443", false, false},
		"port in the origin only":            {nil, "https://casino.example:8443", "casino.example:443", false, false},
		"another host":                       {nil, "https://evil.example", "casino.example", false, false},
		"another host with the default port": {nil, "https://evil.example", "casino.example:443", false, false},
		"subdomain":                          {nil, "https://a.casino.example", "casino.example", false, false},
		"longer name":                        {nil, "https://casino.example.evil.example", "casino.example", false, false},
		"IPv6":                               {nil, "http://[2001:db8::1]", "[2001:db8::1]:80", false, true},
		"IPv6 without port":                  {nil, "http://[2001:db8::1]", "[2001:db8::1]", false, true},
		"IPv6 with port":                     {nil, "http://[::1]:8080", "[::1]:8080", false, true},
		"IPv6 in long form":                  {nil, "http://[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", false, true},
		"another IPv6 address":               {nil, "http://[::2]:8080", "[::1]:8080", false, false},
		"IPv6 with another port":             {nil, "http://[::1]", "[::1]:8080", false, false},
		"IPv4":                               {nil, "http://127.0.0.1", "127.0.0.1:80", false, true},
		"file scheme":                        {nil, "file://casino.example", "casino.example", false, false},
		"WebSocket scheme":                   {nil, "wss://casino.example", "casino.example:443", false, false},
		"app scheme without port":            {nil, "capacitor://localhost", "localhost", false, false},
		"app scheme":                         {nil, "capacitor://localhost", "localhost:8080", false, false},
		"opaque origin":                      {nil, "null", "casino.example", false, false},
		"empty origin":                       {nil, "", "casino.example", false, false},
		"no scheme":                          {nil, "casino.example", "casino.example", false, false},
		"path":                               {nil, "https://casino.example/path", "casino.example", false, false},
		"user information":                   {nil, "https://casino.example@evil.example", "casino.example", false, false},
		"two origins in one line":            {nil, "https://casino.example https://evil.example", "casino.example", false, false},
		"malformed port":                     {nil, "https://casino.example:99999", "casino.example:99999", false, false},
		"malformed host":                     {nil, "https://casino.example", "casino.example:x", false, false},

		// Configured origins replace the request's host.
		"configured":                         {casino, "https://casino.example", "api.example", false, true},
		"configured, upper case":             {list{"HTTPS://Casino.Example"}, "https://casino.EXAMPLE", "api.example", false, true},
		"configured with a slash":            {list{"https://casino.example/"}, "https://casino.example", "api.example", false, true},
		"configured, default port sent":      {casino, "https://casino.example:443", "api.example", false, true},
		"default port configured":            {list{"https://casino.example:443"}, "https://casino.example", "api.example", false, true},
		"default port of http configured":    {list{"http://casino.example:80"}, "http://casino.example", "api.example", false, true},
		"other default port configured":      {list{"http://casino.example:443"}, "https://casino.example", "api.example", false, false},
		"configured IPv6 in long form":       {list{"http://[0::1]:80"}, "http://[::1]", "api.example", false, true},
		"configured with another port":       {casino, "https://casino.example:8443", "api.example", false, false},
		"configured with another scheme":     {casino, "http://casino.example", "api.example", false, false},
		"second of two":                      {list{"https://a.example", "https://b.example"}, "https://b.example", "x", false, true},
		"same host, not configured":          {casino, "https://api.example", "api.example", false, false},
		"app scheme configured":              {list{"capacitor://localhost"}, "capacitor://localhost", "api.example", false, true},
		"any":                                {list{"*"}, "https://evil.example", "api.example", false, true},
		"any and another":                    {list{"https://casino.example", "*"}, "https://evil.example", "api.example", false, true},
		"configured, longer name":            {casino, "https://casino.example.evil.example", "api.example", false, false},
		"configured, default ports both":     {list{"https://casino.example:443"}, "https://casino.example:443", "x", false, true},
		"configured with a port":             {list{"https://casino.example:8443"}, "https://casino.example:8443", "x", false, true},
		"configured with a port, none sent":  {list{"https://casino.example:8443"}, "https://casino.example", "x", false, false},
		"configured with an empty port":      {list{"https://casino.example:"}, "https://casino.example", "x", false, true},
		"configured, port with leading zero": {list{"https://casino.example:0443"}, "https://casino.example", "x", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := NewPolicy(tt.configured)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Host: tt.host, Header: http.Header{"Origin": {tt.origin}}}
			if got := policy.Allows(r.Header, r.Host, tt.tls); got != tt.want {
				t.Errorf("Allows = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestOriginLines(t *testing.T) {
	var policy Policy
	r := &http.Request{Host: "casino.example", Header: http.Header{}}
	if !policy.Allows(r.Header, r.Host, false) {
		t.Error("a request without Origin is refused")
	}
	r.Header["Origin"] = []string{"https://casino.example", "https://casino.example"}
	if policy.Allows(r.Header, r.Host, false) {
		t.Error("two Origin lines are allowed")
	}
}

func TestMalformedConfiguredOrigin(t *testing.T) {
	for _, text := range []string{
		"", "casino.example", "https://", "https://casino.example/path", "https://casino.example?a=b", "https://u@casino.example",
		"https://casino.example:x", "https://casino.example:65536", "null", "https:casino.example", "//casino.example",
	} {
		if _, err := NewPolicy([]string{text}); err == nil {
			t.Errorf("the malformed origin %q is accepted", text)
		}
	}
}

// FuzzOrigin checks that an origin with an explicit port is parsed as the same origin, and that isHost never accepts another
// host.
func FuzzOrigin(f *testing.F) {
	f.Add("https://casino.example", "casino.example:443")
	f.Add("http://[::1]:8080", "[0:0::1]:8080")
	f.Add("https://casino.example:0443/", "evil.example")
	f.Fuzz(func(t *testing.T, text, host string) {
		o, err := parseOrigin(text)
		if err != nil {
			return
		}
		if o.port != "" {
			written := o.scheme + "://" + net.JoinHostPort(o.host, o.port)
			if again, err := parseOrigin(written); err != nil || again != o {
				t.Errorf("%q: got %+v, %v, want %+v as for %q", written, again, err, o, text)
			}
		}
		if name, _, ok := parseAuthority(host); o.isHost(host, true) && (!ok || name != o.host) {
			t.Errorf("the origin %q is accepted for the host %q", text, host)
		}
	})
}
