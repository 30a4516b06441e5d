package rpcserver

import (
	"net/url"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// router is a tree of REST routes, with one level per path segment. If several routes match a path, the first segment in
// which they differ decides: the literal wins over the variable. In contrast, http.ServeMux panics for two such routes
// unless one of them is more specific.
type router struct {
	literals map[string]*router
	variable *router
	targets  map[string]target // by HTTP method; empty if no route ends here
}

// add adds a route. The caller must have checked the routes for conflicts; see restroute.Check.
func (n *router) add(r restroute.Route, t target) {
	for _, segment := range r.Segments() {
		n = n.child(segment)
	}
	if n.targets == nil {
		n.targets = map[string]target{}
	}
	n.targets[r.Verb] = t
}

// child returns the child for a segment of a route. It creates the child if there is none.
func (n *router) child(segment string) *router {
	if _, ok := restroute.Variable(segment); ok {
		if n.variable == nil {
			n.variable = &router{}
		}
		return n.variable
	}
	if n.literals == nil {
		n.literals = map[string]*router{}
	}
	if n.literals[segment] == nil {
		n.literals[segment] = &router{}
	}
	return n.literals[segment]
}

// find returns the targets by method of the most specific path template that matches an escaped path, or nil. A variable
// matches every segment, also one with an escaped slash: the validation of the request refuses malformed ids.
func (n *router) find(path string) map[string]target {
	return n.match(strings.TrimPrefix(path, "/"))
}

// match implements find for the rest of a path. If the literal child does not lead to a route, it tries the variable.
func (n *router) match(path string) map[string]target {
	segment, rest, more := strings.Cut(path, "/")
	for _, child := range []*router{n.literals[unescape(segment)], n.variable} {
		if child == nil || segment == "" {
			continue
		}
		targets := child.targets
		if more {
			targets = child.match(rest)
		}
		if len(targets) > 0 {
			return targets
		}
	}
	return nil
}

// unescape returns the value of a segment of an escaped path.
func unescape(segment string) string {
	value, err := url.PathUnescape(segment)
	if err != nil { // cannot happen: net/http has parsed the path
		return segment
	}
	return value
}
