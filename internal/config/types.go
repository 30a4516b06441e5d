package config

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/config/dsn"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// PostgresURL is the URL of a PostgreSQL database.
type PostgresURL string

// UnmarshalText checks the URL.
func (u *PostgresURL) UnmarshalText(text []byte) error { return set(u, text, postgres.CheckURL) }

// MongoURL is the URL of a MongoDB server or replica set.
type MongoURL string

// UnmarshalText checks the URL.
func (u *MongoURL) UnmarshalText(text []byte) error { return set(u, text, dsn.MongoDB) }

// NATSURL is a comma-separated list of the URLs of NATS servers.
type NATSURL string

// UnmarshalText checks the URLs.
func (u *NATSURL) UnmarshalText(text []byte) error { return set(u, text, dsn.NATS) }

// HTTPURL is the URL of an HTTP resource.
type HTTPURL string

// UnmarshalText checks the URL.
func (u *HTTPURL) UnmarshalText(text []byte) error { return set(u, text, dsn.HTTP) }

// Address is the address of a server, host:port.
type Address string

// UnmarshalText checks the address.
func (a *Address) UnmarshalText(text []byte) error {
	return set(a, text, func(s string) error { return checkAddress(s, true) })
}

// ListenAddress is the address that a server listens on, host:port or :port.
type ListenAddress string

// UnmarshalText checks the address.
func (a *ListenAddress) UnmarshalText(text []byte) error {
	return set(a, text, func(s string) error { return checkAddress(s, false) })
}

func set[T ~string](target *T, text []byte, check func(string) error) error {
	if err := check(string(text)); err != nil {
		return &ValueError{Text: err.Error()}
	}
	*target = T(text)
	return nil
}

// checkAddress checks an address. If remote is true, the address must have a host and a port other than 0.
func checkAddress(text string, remote bool) error {
	example := "host:port, for example redis.internal:6379"
	if !remote {
		example = "host:port or :port, for example :8080"
	}
	host, port, err := net.SplitHostPort(text)
	switch {
	case strings.Contains(text, "://"):
		return &ValueError{Text: "must be an address and not a URL: " + example}
	case err != nil, remote && host == "", strings.ContainsAny(host, "@/ "):
		return &ValueError{Text: "must be " + example}
	}
	least := 0 // port 0 makes a listener use any free port
	if remote {
		least = 1
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || int(n) < least {
		return &ValueError{Text: "must have a port from " + strconv.Itoa(least) + " to 65535: " + example}
	}
	return nil
}

// OneOf returns a ValueError unless text is one of the values. It is for the UnmarshalText method of an enumeration.
func OneOf(text string, values ...string) error {
	if slices.Contains(values, text) {
		return nil
	}
	return &ValueError{Text: "must be one of " + strings.Join(values, ", ")}
}
