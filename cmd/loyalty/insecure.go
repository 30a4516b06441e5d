package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/check"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// insecure lists the protections that the connections to a kind of server may lack.
type insecure struct{ noTLS, noPassword bool }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *insecure) UnmarshalText(text []byte) error {
	*i = insecure{}
	if len(text) == 0 {
		return nil
	}
	for name := range strings.SplitSeq(string(text), ",") {
		switch strings.TrimSpace(name) {
		case "no-tls":
			i.noTLS = true
		case "no-password":
			i.noPassword = true
		default:
			return &config.ValueError{Text: "must be no-tls, no-password, or both separated by a comma"}
		}
	}
	return nil
}

// connection describes how the connections to a server are protected. Connections to servers on this machine need no
// protection.
type connection struct {
	// setting is the name of the setting with the address, and allow the name of the setting that allows what is missing.
	setting, allow string
	// allowed is the value of the setting allow.
	allowed insecure
	// plain and anonymous are true if a server on another machine is reached without TLS, or without a password.
	plain, anonymous bool
	// secured says how to use TLS.
	secured string
}

// weakness is a protection that a connection lacks.
type weakness struct {
	text, action string
	allowed      bool
}

func (c connection) weaknesses() []weakness {
	var all []weakness
	if c.plain {
		all = append(all, weakness{
			c.setting + ": the connection to another machine is not encrypted",
			c.secured + ", or allow it with " + c.allow + "=no-tls", c.allowed.noTLS,
		})
	}
	if c.anonymous {
		all = append(all, weakness{
			c.setting + ": no password protects the server on another machine",
			"set a password, or allow it with " + c.allow + "=no-password", c.allowed.noPassword,
		})
	}
	return all
}

// protected returns an error for each protection that a connection must have and lacks.
func protected(all ...connection) error {
	var wrong []error
	for _, c := range all {
		for _, w := range c.weaknesses() {
			if !w.allowed {
				wrong = append(wrong, errors.New(w.text+": "+w.action))
			}
		}
	}
	return errors.Join(wrong...)
}

// protectionCheck returns a check that reports the protections that connections lack.
func protectionCheck(all ...connection) check.Check {
	return check.Check{Subject: "connections", Run: func(_ context.Context, r *check.Report) {
		n := 0
		for _, c := range all {
			for _, w := range c.weaknesses() {
				if n++; w.allowed {
					r.Warn(w.text+", as "+c.allow+" allows", w.action)
				} else {
					r.Fail(w.text, w.action)
				}
			}
		}
		if n == 0 {
			r.OKf("connections to other machines are encrypted and use passwords")
		}
	}}
}

// local reports whether a host is this machine: a loopback address, or the folder of a Unix socket.
func local(host string) bool {
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return address.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost") || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@")
}

// remote reports whether any address, host:port, is on another machine. A listener without a host accepts other machines.
func remote(addresses ...string) bool {
	for _, a := range addresses {
		if host, _, err := net.SplitHostPort(a); err != nil || !local(host) {
			return true
		}
	}
	return false
}

// postgresConnection describes the connections to the database at a URL in a setting.
func postgresConnection(setting string, databaseURL config.PostgresURL, allowed insecure) connection {
	c := connection{
		setting: setting, allow: "LOYALTY_INSECURE_POSTGRES", allowed: allowed, secured: "add sslmode=verify-full to the URL",
	}
	if databaseURL == "" {
		return c
	}
	endpoints, err := postgres.Endpoints(string(databaseURL))
	if err != nil { // the service reports it
		return c
	}
	for _, e := range endpoints {
		if !local(e.Host) {
			c.plain, c.anonymous = c.plain || !e.TLS, c.anonymous || !e.Authenticated
		}
	}
	return c
}

// mongoConnection describes the connections to MongoDB.
func mongoConnection(text config.MongoURL, allowed insecure) connection {
	c := connection{
		setting: "LOYALTY_MONGODB_URL", allow: "LOYALTY_INSECURE_MONGODB", allowed: allowed, secured: "add tls=true to the URL",
	}
	u, err := url.Parse(string(text))
	if text == "" || err != nil {
		return c
	}
	service := strings.EqualFold(u.Scheme, "mongodb+srv")
	away := service
	for host := range strings.SplitSeq(u.Host, ",") {
		single := url.URL{Host: host}
		away = away || !local(single.Hostname())
	}
	encrypted := service
	for _, option := range []string{"ssl", "tls"} { // the names of options ignore case
		for name, values := range u.Query() {
			if strings.EqualFold(name, option) && len(values) > 0 {
				encrypted = strings.EqualFold(values[0], "true")
			}
		}
	}
	_, password := u.User.Password()
	c.plain, c.anonymous = away && !encrypted, away && !password && !u.Query().Has("authMechanism")
	return c
}

// natsConnection describes the connections to NATS.
func natsConnection(text config.NATSURL, allowed insecure) connection {
	c := connection{
		setting: "LOYALTY_NATS_URL", allow: "LOYALTY_INSECURE_NATS", allowed: allowed, secured: "begin the URL with tls://",
	}
	for part := range strings.SplitSeq(string(text), ",") {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil || part == "" || local(u.Hostname()) {
			continue
		}
		c.plain = c.plain || u.Scheme != "tls" && u.Scheme != "wss"
		c.anonymous = c.anonymous || u.User == nil
	}
	return c
}

// ledgerConnection describes the internal RPC at an address in a setting. A secret always authenticates its callers.
func ledgerConnection(setting, address string, tls internalTLS) connection {
	return connection{
		setting: setting, allow: "LOYALTY_INSECURE_LEDGER", allowed: tls.Insecure, secured: "set LOYALTY_INTERNAL_TLS_CERTIFICATE",
		plain: address != "" && tls.Certificate == "" && remote(address[strings.LastIndex(address, "/")+1:]),
	}
}

// jwksSettings locate the public keys of the users service.
type jwksSettings struct {
	URL      config.HTTPURL `env:"LOYALTY_JWKS_URL,required,notEmpty"`
	Insecure insecure       `env:"LOYALTY_INSECURE_JWKS"`
}

// Check returns an error if the requests are not protected.
func (s jwksSettings) Check() error { return protected(s.connection()) }

// connection describes the requests for the public keys. Whoever can change the answer can issue access tokens.
func (s jwksSettings) connection() connection {
	u, err := url.Parse(string(s.URL))
	return connection{
		setting: "LOYALTY_JWKS_URL", allow: "LOYALTY_INSECURE_JWKS", allowed: s.Insecure, secured: "begin the URL with https://",
		plain: s.URL != "" && err == nil && u.Scheme != "https" && !local(u.Hostname()),
	}
}
