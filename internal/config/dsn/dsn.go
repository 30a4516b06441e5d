// Package dsn checks the connection URLs of servers before a driver parses them. Its errors name the problem and show an
// example. They never show any part of the URL except its scheme, because it may contain a password.
//
// The checks are stricter than the drivers, because drivers misread malformed URLs. For example, PostgreSQL drivers read a
// quoted URL as a list of keywords and values, and a "/" in a password ends the host.
package dsn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The examples that errors show.
const (
	postgresExample = "postgres://user:password@host:5432/database"
	mongoExample    = "mongodb://user:password@host:27017/?replicaSet=rs0"
	natsExample     = "nats://user:password@host:4222"
	httpExample     = "http://host:8080/path"
)

// PostgreSQL returns an error if text is not the URL of a PostgreSQL database. Several hosts are separated by commas.
func PostgreSQL(text string) error {
	return check(text, kind{schemes: []string{"postgres", "postgresql"}, example: postgresExample, database: true})
}

// MongoDB returns an error if text is not the URL of a MongoDB server or replica set. Several hosts are separated by commas.
func MongoDB(text string) error {
	return check(text, kind{schemes: []string{"mongodb", "mongodb+srv"}, example: mongoExample})
}

// NATS returns an error if text is not a list of URLs of NATS servers, separated by commas.
func NATS(text string) error {
	k := kind{schemes: []string{"nats", "tls", "ws", "wss"}, example: natsExample}
	for part := range strings.SplitSeq(text, ",") {
		if err := check(strings.TrimSpace(part), k); err != nil {
			return err
		}
	}
	return nil
}

// HTTP returns an error if text is not the URL of an HTTP server.
func HTTP(text string) error {
	return check(text, kind{schemes: []string{"http", "https"}, example: httpExample})
}

// kind describes the URLs of one kind of server.
type kind struct {
	schemes  []string
	example  string
	database bool // the path must name a database
}

func check(text string, k kind) error {
	if err := checkEnds(text); err != nil {
		return err
	}
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case text == "":
		return errors.New("is empty; an example is " + k.example)
	case !found && strings.Contains(text, "="):
		return errors.New("is a list of keywords and values; a URL is needed, like " + k.example)
	case !found:
		return errors.New("is not a URL; an example is " + k.example)
	case !slices.Contains(k.schemes, strings.ToLower(scheme)):
		return wrongScheme(scheme, k)
	}
	u, err := url.Parse(text)
	authority, tail, _ := strings.Cut(rest, "/")
	switch {
	case err != nil, strings.Contains(tail, "@"), u.Fragment != "", strings.Contains(u.RawQuery, "@"),
		strings.Count(authority, "@") > 1: // drivers disagree on which @ ends the password
		return errors.New("cannot be read: write special characters of the user name and the password in percent-encoding, " +
			"@ as %40, / as %2F, ? as %3F, # as %23, } as %7D, % as %25")
	case slices.ContainsFunc(strings.Split(u.Host, ","), noHost) && u.Query().Get("host") == "":
		return errors.New("names no host; an example is " + k.example)
	case slices.ContainsFunc(strings.Split(u.Host, ","), badPort):
		return errors.New("names a port that is not a number from 1 to 65535; an example is " + k.example)
	case k.database && overridden(u) != "":
		return fmt.Errorf("has two values for %s, one of them in the parameters after the question mark: remove one of them",
			overridden(u))
	case k.database && strings.Trim(u.Path, "/") == "":
		return errors.New("names no database; an example is " + k.example)
	case k.database && strings.Contains(strings.Trim(u.EscapedPath(), "/"), "/"):
		return errors.New("has more than the name of a database after the host; an example is " + k.example)
	}
	return nil
}

// wrongScheme returns the error for a URL whose scheme is not one of k. It does not show a scheme with characters that
// schemes cannot have, because the text before "://" may then be a part of a password.
func wrongScheme(scheme string, k kind) error {
	wanted := strings.Join(prefixes(k.schemes), " or ")
	if u, err := url.Parse(scheme + "://"); err != nil || u.Scheme != strings.ToLower(scheme) {
		return fmt.Errorf("does not begin with %s; an example is %s", wanted, k.example)
	}
	return fmt.Errorf("begins with %s://, but must begin with %s; an example is %s", scheme, wanted, k.example)
}

// checkEnds returns an error if the URL begins or ends with a quote or white space.
func checkEnds(text string) error {
	const quotes = "\"'`\u201c\u201d\u201e\u2018\u2019"
	switch {
	case strings.Trim(text, quotes) != text:
		return errors.New("begins or ends with quotes: remove the quotes")
	case strings.TrimSpace(text) != text:
		return errors.New("begins or ends with white space: remove it")
	}
	return nil
}

// overridden returns the first query parameter that replaces a given part of the URL, or "" if there is none.
func overridden(u *url.URL) string {
	_, hasPassword := u.User.Password()
	for _, part := range []struct {
		parameter string
		inURL     bool
	}{
		{"host", u.Host != ""}, {"port", u.Port() != ""}, {"user", u.User.Username() != ""}, {"password", hasPassword},
		{"dbname", strings.Trim(u.Path, "/") != ""},
	} {
		if part.inURL && u.Query().Has(part.parameter) {
			return part.parameter
		}
	}
	return ""
}

func prefixes(schemes []string) []string {
	out := make([]string, len(schemes))
	for i, s := range schemes {
		out[i] = s + "://"
	}
	return out
}

func noHost(address string) bool {
	u := url.URL{Host: address}
	return u.Hostname() == ""
}

func badPort(address string) bool {
	u := url.URL{Host: address}
	if strings.HasSuffix(address, ":") {
		return true
	}
	if u.Port() == "" {
		return false
	}
	_, port, err := net.SplitHostPort(address)
	n, numErr := strconv.ParseUint(port, 10, 16)
	return err != nil || numErr != nil || n == 0
}
