package rpcserver

import (
	"strings"

	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// router is a tree of REST routes, with one level per path segment. Where several routes match a path, the route with the
// first literal segment wins. http.ServeMux refuses such routes if neither is more specific in every segment.
type router struct {
	literals map[string]*router
	variable *router
	targets  map[string]target // by HTTP method; empty if no route ends here
}

// add adds a route. The caller has checked that it does not conflict with another one; see restroute.Check.
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

// find returns the targets by method of the most specific path template that matches a path, or nil.
func (n *router) find(path string) map[string]target {
	return n.match(strings.TrimPrefix(path, "/"))
}

// match is find for the rest of a path. If the literal child does not lead to a route, it tries the variable.
func (n *router) match(path string) map[string]target {
	segment, rest, more := strings.Cut(path, "/")
	for _, child := range []*router{n.literals[segment], n.variable} {
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
