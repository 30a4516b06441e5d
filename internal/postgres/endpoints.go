package postgres

import "crypto/tls"

// Endpoint is one way to reach a database. A URL can have several: hosts, and attempts with and without TLS.
type Endpoint struct {
	// Host is a name, an address, or the folder of a Unix socket.
	Host string
	// TLS is true if the connection is encrypted.
	TLS bool
	// Authenticated is true if this process has a password or a certificate.
	Authenticated bool
}

// Endpoints returns the endpoints of a URL. It does not connect. No error contains the URL.
func Endpoints(url string) ([]Endpoint, error) {
	c, _, err := ParseConfig(url)
	if err != nil {
		return nil, err
	}
	var all []Endpoint
	add := func(host string, t *tls.Config) {
		all = append(all, Endpoint{host, t != nil, c.Password != "" || t != nil && len(t.Certificates) > 0})
	}
	add(c.Host, c.TLSConfig)
	for _, f := range c.Fallbacks {
		add(f.Host, f.TLSConfig)
	}
	return all, nil
}
