package rpcserver

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// route is a REST route of a method.
type route struct {
	restroute.Route

	// status is the HTTP status of success.
	status int
	// hasBody is true if requests have a body. The body is the value of the field resource, or the whole request if
	// resource is nil.
	hasBody  bool
	resource protoreflect.FieldDescriptor
	// upload describes the file that is the body, or is nil.
	upload *optionsv1.Upload
	// mask is the update_mask of an update, or nil.
	mask protoreflect.FieldDescriptor
	// variables contains the fields that the segments of the path set. It is nil for a literal segment.
	variables []protoreflect.FieldDescriptor
	// query contains the fields that the query can set, by parameter name.
	query map[string]protoreflect.FieldDescriptor
	// csv is true if clients can get a list of the answer in CSV.
	csv bool
}

// routesOf returns the REST routes of a method.
func routesOf(m *method) ([]*route, error) {
	routes, err := restroute.Of(m.desc)
	if err != nil {
		return nil, err
	}
	var all []*route
	for _, r := range routes {
		route, err := routeOf(m, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.desc.FullName(), err)
		}
		all = append(all, route)
	}
	return all, nil
}

func routeOf(m *method, rr restroute.Route) (*route, error) {
	input := m.desc.Input().Fields()
	list, err := csvList(m.desc.Output())
	if err != nil {
		return nil, err
	}
	r := &route{Route: rr, status: m.status, query: map[string]protoreflect.FieldDescriptor{}, csv: list != nil}
	for _, segment := range rr.Segments() {
		var fd protoreflect.FieldDescriptor
		if name, ok := restroute.Variable(segment); ok {
			fd = input.ByName(protoreflect.Name(name))
			if fd.Kind() != protoreflect.StringKind && fd.Kind() != protoreflect.EnumKind {
				return nil, fmt.Errorf("the variable %s is neither a string nor an enum", segment)
			}
		}
		r.variables = append(r.variables, fd)
	}
	switch body := rr.Body; {
	case body == "*":
		r.hasBody = true
		return r, nil // the query sets no field
	case uploadOf(m.desc) != nil:
		if fd := input.ByName(protoreflect.Name(body)); fd == nil || fd.Kind() != protoreflect.BytesKind || fd.IsList() {
			return nil, fmt.Errorf("the body %q of an upload is not a bytes field", body)
		}
		r.upload = uploadOf(m.desc)
	case body != "":
		r.hasBody, r.resource = true, input.ByName(protoreflect.Name(body))
		if r.resource == nil || r.resource.Message() == nil || r.resource.IsList() {
			return nil, fmt.Errorf("the body %q is not a message field of the request", body)
		}
	}
	for i := range input.Len() {
		fd := input.Get(i)
		name := string(fd.Name())
		switch {
		case fd == r.resource || name == rr.Body || strings.Contains(rr.Path, "{"+name+"}"):
		case fd.Message() == nil:
			r.query[name] = fd
		case r.resource != nil && fd.Message().FullName() == "google.protobuf.FieldMask" && name == paramMask:
			r.mask = fd
		}
	}
	return r, nil
}

// handleRoute returns the handler of a REST route of a method: it authenticates the caller, reads the body, and passes the
// call to the Connect handler of the service in this process. The interceptor bind sets the fields of the request. Errors
// become problem documents.
func (s *Server) handleRoute(m *method, rt *route, service http.Handler) http.Handler {
	problem := func(w http.ResponseWriter, r *http.Request, e *apperr.Error) { WriteProblem(w, r, e) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := requestInfoFrom(r.Context())
		info.route = rt
		ctx, refused := s.admit(r, m)
		if refused != nil {
			turnAway(w, r, refused, problem)
			return
		}
		l := s.lease(m, info.client)
		defer l.release()
		body, err := s.readJSON(w, r, l, rt)
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		info.url, info.body = r.URL, body
		rw := &restWriter{w: w, route: rt, info: info, media: mediaJSON}
		codec := nameREST
		if rt.csv {
			w.Header().Add("Vary", "Accept")
			if acceptsCSV(r.Header) {
				info.csv, rw.media, codec = true, mediaCSV+"; charset=utf-8", nameCSV
			}
		}
		service.ServeHTTP(rw, connectRequest(ctx, r, m.procedure, codec))
		rw.finish(r)
	})
}

// connectRequest returns the request for the Connect handler of a procedure, with the headers of r and without a body. The
// Content-Type selects a codec of the REST routes. Clients cannot use it; see isRPCMedia.
func connectRequest(ctx context.Context, r *http.Request, procedure, codec string) *http.Request {
	out := r.WithContext(ctx)
	out.Method, out.URL = http.MethodPost, &url.URL{Path: procedure}
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	out.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		switch {
		case strings.HasPrefix(name, "Connect-"), strings.HasPrefix(name, "Grpc-"): // they select protocols and time limits
		case name == "Content-Encoding", name == "Content-Length":
		case name == "Accept-Encoding": // nginx compresses answers
		default:
			out.Header[name] = values
		}
	}
	out.Header["Content-Type"] = []string{"application/" + codec}
	return out
}

// readJSON returns the JSON value of the body, or nil if the body is empty or null. For a route without a body, it also
// returns nil for an empty object. It returns UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED or an error of readBody if the body
// cannot be used.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, l *lease, rt *route) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return nil, apperr.New(apperr.UnsupportedMediaType, "compressed bodies are not supported")
	}
	body, refused := readBody(w, r, l, 0)
	if refused != nil {
		return nil, refused
	}
	body = strictjson.Value(body)
	switch {
	case body == nil:
		return nil, nil
	case !rt.hasBody:
		if members, ok := strictjson.Members(body); !ok || len(members) > 0 {
			return nil, apperr.Invalid("", "body", "the route accepts no body")
		}
		return nil, nil
	case !rt.acceptsMedia(r.Header):
		return nil, rt.unsupportedMedia(w)
	}
	return body, nil
}

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
)

// media returns the media types of bodies. A PATCH is a merge patch as in RFC 7396: it changes the fields in the body.
func (r *route) media() []string {
	if r.upload != nil {
		return []string{r.upload.GetMedia()}
	}
	if r.Verb == http.MethodPatch {
		return []string{mediaMergePatch, mediaJSON}
	}
	return []string{mediaJSON}
}

// acceptsMedia reports whether a request's Content-Type is supported: one of the route's media types, in UTF-8.
func (r *route) acceptsMedia(h http.Header) bool {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil {
		return false
	}
	charset, ok := params["charset"]
	if ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return false
	}
	return slices.Contains(r.media(), media)
}

// unsupportedMedia returns the error of an unsupported Content-Type. The error and the header Accept-Patch (RFC 5789) or
// Accept-Post list the supported media types.
func (r *route) unsupportedMedia(w http.ResponseWriter) *apperr.Error {
	switch r.Verb {
	case http.MethodPatch:
		w.Header().Set("Accept-Patch", strings.Join(r.media(), ", "))
	case http.MethodPost:
		w.Header().Set("Accept-Post", strings.Join(r.media(), ", "))
	}
	return apperr.New(apperr.UnsupportedMediaType, "the Content-Type must be %s, in UTF-8", strings.Join(r.media(), " or "))
}
