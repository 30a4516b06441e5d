package rpcserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// route is one REST binding of a method.
type route struct {
	// pattern is the route in the form of http.ServeMux, "GET /api/v1/promotions/{promotion_id}".
	pattern string
	status  int
	// hasBody says that there is a body: resource's value, or the whole request where resource is nil.
	hasBody  bool
	resource protoreflect.FieldDescriptor
	// mask is the update_mask of an update, or nil.
	mask protoreflect.FieldDescriptor
	// query are the fields that the query may set, by their name there.
	query map[string]protoreflect.FieldDescriptor
}

// routesOf reads the REST bindings of a method: none, one, or several.
func routesOf(m method) ([]*route, error) {
	rule, _ := proto.GetExtension(m.desc.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil, nil
	}
	var all []*route
	for _, b := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		r, err := routeOf(m, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.desc.FullName(), err)
		}
		all = append(all, r)
	}
	return all, nil
}

func routeOf(m method, rule *annotations.HttpRule) (*route, error) {
	verb, path := binding(rule)
	if verb == "" || !strings.HasPrefix(path, "/api/") || strings.ContainsAny(path, "*=:") {
		return nil, fmt.Errorf("the REST route %q is not one of /api/ with plain variables", path)
	}
	input := m.desc.Input().Fields()
	r := &route{pattern: verb + " " + path, status: m.status, query: map[string]protoreflect.FieldDescriptor{}}
	switch body := rule.GetBody(); {
	case body == "*":
		r.hasBody = true
		return r, nil // the query sets nothing then
	case body != "":
		r.hasBody, r.resource = true, input.ByName(protoreflect.Name(body))
		if r.resource == nil || r.resource.Message() == nil || r.resource.IsList() {
			return nil, fmt.Errorf("the body %q is no message of the request", body)
		}
	}
	for i := range input.Len() {
		fd := input.Get(i)
		name := string(fd.Name())
		switch {
		case fd == r.resource || strings.Contains(path, "{"+name+"}"):
		case fd.Message() == nil:
			r.query[name] = fd
		case r.resource != nil && fd.Message().FullName() == "google.protobuf.FieldMask" && name == "update_mask":
			r.mask = fd
		}
	}
	return r, nil
}

func binding(rule *annotations.HttpRule) (verb, path string) {
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

// rest prepares a REST request so that the transcoder has nothing to object to, and writes the answer in our form. What
// is wrong with the request's fields waits in the exchange for the interceptors: who may not call learns nothing of it.
func (s *Server) rest(rt *route, transcoder http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := requestInfoFrom(r.Context())
		x.rest = rt
		out, err := s.prepare(w, r, rt, x)
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		rw := &restWriter{w: w, route: rt, exchange: x}
		transcoder.ServeHTTP(rw, out)
		rw.finish(r)
	})
}

// prepare returns the request for the transcoder.
func (s *Server) prepare(w http.ResponseWriter, r *http.Request, rt *route, x *requestInfo) (*http.Request, error) {
	if r.URL.RawPath != "" { // "%2F" and its like: no id is written so
		return nil, apperr.New(apperr.NotFound, "there is nothing at this path")
	}
	body, err := s.readBody(w, r, rt)
	if err != nil {
		return nil, err
	}
	query, err := x.readQuery(r.URL.RawQuery, rt)
	if err != nil {
		return nil, err
	}
	if rt.mask != nil {
		x.readMask(query, body, rt)
	}
	out := r.Clone(r.Context())
	if out.Method == http.MethodHead {
		out.Method = http.MethodGet // net/http leaves the body out
	}
	out.URL.RawQuery = query.Encode()
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	for name := range out.Header {
		// What would make the transcoder see another protocol, or do what nginx does: compress.
		if strings.HasPrefix(name, "Connect-") || strings.HasPrefix(name, "Grpc-") {
			out.Header.Del(name)
		}
	}
	for _, name := range []string{
		"Content-Type", "Content-Encoding", "Content-Length", "Accept-Encoding", "X-Server-Timeout",
	} {
		out.Header.Del(name)
	}
	if rt.hasBody {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out.Header.Set("Content-Type", "application/json")
	}
	return out, nil
}

// readBody reads the whole body, which is small by definition. Where the route has none, an empty object is one.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, rt *route) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return nil, apperr.New(apperr.UnsupportedMediaType, "a compressed body is not read")
	}
	if r.ContentLength > int64(s.cfg.MaxBody) { // before a client that waits for "100 Continue" sends it
		return nil, tooLarge(s.cfg.MaxBody)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.cfg.MaxBody)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge(s.cfg.MaxBody)
	case err != nil:
		return nil, apperr.Invalid("", "body", "the body could not be read to its end").WithCause(err)
	}
	if empty := bytes.TrimSpace(body); len(empty) == 0 || !rt.hasBody && string(empty) == "{}" {
		return nil, nil
	}
	if !rt.hasBody {
		return nil, apperr.Invalid("", "body", "no body is expected here")
	}
	if !jsonMedia(r.Header) {
		return nil, apperr.New(apperr.UnsupportedMediaType, "the body is to be application/json")
	}
	return body, nil
}

// jsonMedia reports whether a body is JSON in UTF-8.
func jsonMedia(h http.Header) bool {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}
