// Package restroute reads the REST routes of RPCs from their google.api.http options. The server uses the routes to dispatch
// requests. The generators use them to write the documentation.
package restroute

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Prefix is the beginning of every route's path.
const Prefix = "/api/"

// Route is one REST route of an RPC.
type Route struct {
	// RPC is the full name of the RPC, "loyalty.promotions.v1.PromotionService.Claim".
	RPC protoreflect.FullName
	// Verb is the HTTP method, "GET".
	Verb string
	// Path is the path with its variables, "/api/v1/promotions/{promotion_id}".
	Path string
	// Body is the body option: "*" for the whole request, the name of a field, or "" for no body.
	Body string
}

// String returns the route in the form "GET /api/v1/promotions/{promotion_id}".
func (r Route) String() string { return r.Verb + " " + r.Path }

// Segments returns the parts of the path between the slashes.
func (r Route) Segments() []string { return strings.Split(strings.TrimPrefix(r.Path, "/"), "/") }

// Variable returns the name of the variable in a segment of a route, such as "promotion_id" for "{promotion_id}". It returns
// false for a literal segment.
func Variable(segment string) (name string, ok bool) {
	if !strings.HasPrefix(segment, "{") {
		return "", false
	}
	return strings.Trim(segment, "{}"), true
}

// Of returns the routes of an RPC: none, one, or several if the option has additional bindings. It returns an error that
// names the RPC if a route is not supported.
func Of(md protoreflect.MethodDescriptor) ([]Route, error) {
	rule, _ := proto.GetExtension(md.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil, nil
	}
	var routes []Route
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		verb, path := pattern(r)
		route := Route{RPC: md.FullName(), Verb: verb, Path: path, Body: r.GetBody()}
		if err := route.check(md.Input().Fields()); err != nil {
			return nil, fmt.Errorf("%s: route %q: %w", md.FullName(), route, err)
		}
		routes = append(routes, route)
	}
	return routes, nil
}

func pattern(rule *annotations.HttpRule) (verb, path string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	default:
		return "", ""
	}
}

var (
	literalSegment  = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
	variableSegment = regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`)
)

// check returns an error if the verb or the prefix is not supported, or if a segment of the path is neither a literal nor a
// variable that names a scalar field of the request.
func (r Route) check(request protoreflect.FieldDescriptors) error {
	switch {
	case r.Verb == "":
		return errors.New("the HTTP method is not GET, POST, PUT, PATCH or DELETE")
	case !strings.HasPrefix(r.Path, Prefix):
		return fmt.Errorf("the path does not begin with %s", Prefix)
	}
	seen := map[string]bool{}
	for _, segment := range r.Segments() {
		name, isVariable := Variable(segment)
		switch {
		case !isVariable && (!literalSegment.MatchString(segment) || strings.Trim(segment, ".") == ""):
			return fmt.Errorf("the segment %q is neither a literal nor a variable", segment)
		case !isVariable:
			continue
		case !variableSegment.MatchString(segment):
			return fmt.Errorf("the variable %q is not supported", segment)
		case seen[name]:
			return fmt.Errorf("the variable %s is used twice", segment)
		}
		seen[name] = true
		fd := request.ByName(protoreflect.Name(name))
		if fd == nil || fd.IsList() || fd.Message() != nil {
			return fmt.Errorf("the variable %s is not a scalar field of the request", segment)
		}
	}
	return nil
}

// Check returns an error that names both RPCs if two routes have the same verb and differ only in the names of variables.
// Routes such as /promotions/players/{player_id} and /promotions/{promotion_id}/stats do not conflict: if both match a path,
// the first segment in which they differ decides, and the literal wins.
func Check(routes []Route) error {
	var errs []error
	first := map[string]Route{}
	for _, r := range routes {
		key := r.Verb + " " + r.shape()
		if other, ok := first[key]; ok {
			errs = append(errs, fmt.Errorf("%s and %s have conflicting routes: %q and %q match the same paths",
				other.RPC, r.RPC, other, r))
			continue
		}
		first[key] = r
	}
	return errors.Join(errs...)
}

// shape returns the path without the names of its variables.
func (r Route) shape() string {
	segments := r.Segments()
	for i, segment := range segments {
		if _, ok := Variable(segment); ok {
			segments[i] = "{}"
		}
	}
	return "/" + strings.Join(segments, "/")
}
