package rpcserver

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// problem is a problem document of RFC 9457. The members of an error's Meta are added to it.
type problem struct {
	// Type is "urn:loyalty:error:" and the code. It identifies the problem type and cannot be dereferenced.
	Type       string             `json:"type"`
	Title      string             `json:"title"`
	Status     int                `json:"status"`
	Detail     string             `json:"detail"`
	Code       apperr.Code        `json:"code"`
	Instance   string             `json:"instance"`
	RequestID  string             `json:"requestId"`
	Violations []problemViolation `json:"violations,omitempty"`
}

type problemViolation struct {
	Field   string `json:"field"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// WriteProblem answers a request with a problem document. An error without a code becomes INTERNAL. The document does not
// contain the cause of the error, so the caller must log it. A response with status 429 or 503 has a Retry-After header.
// WriteProblem also works in handlers that are not RPCs, such as a WebSocket upgrade.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := withRetryAfter(classify(r.Context(), err))
	info := requestInfoFrom(r.Context())
	writeProblem(w, r, info, e)
	info.err = e
}

// writeProblem writes a problem document. It does not set the error of info, so the request is neither logged nor counted as
// failed.
func writeProblem(w http.ResponseWriter, r *http.Request, info *requestInfo, e *apperr.Error) {
	if id := w.Header().Get(HeaderRequestID); id != "" {
		info.requestID = id // outside of a Server, for example in the gateway, only the header has the id
	}
	ci := e.Code.Info()
	p := problem{
		Type: "urn:loyalty:error:" + string(e.Code), Title: ci.Title, Status: ci.HTTP, Detail: detail(e),
		Code: e.Code, Instance: instance(r), RequestID: info.requestID,
	}
	for _, v := range e.Violations {
		p.Violations = append(p.Violations, problemViolation(v))
	}
	body, err := json.Marshal(p)
	if err != nil { // cannot happen with strings and numbers
		body = []byte(`{}`)
	}
	body = withMeta(body, e.Meta)
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Trailer"} {
		h.Del(name)
	}
	if e.Code != apperr.UnsupportedMediaType { // readBody sets it for this code
		h.Del("Accept-Encoding")
	}
	setErrorHeaders(h, e)
	maps.Copy(h, info.errorHeader)
	h.Set(HeaderRequestID, info.requestID)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(ci.HTTP)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // Write fails only if the client has disconnected
	}
}

// instance returns the path of a request, or "/" if the path is very long.
func instance(r *http.Request) string {
	if path := r.URL.EscapedPath(); len(path) <= limits.Path {
		return path
	}
	return "/"
}

// withMeta adds the members of meta to a JSON object, sorted by name. The schema declares no member with the name of a
// standard member; see schema.ErrorCodes.
func withMeta(object []byte, meta map[string]string) []byte {
	for _, name := range slices.Sorted(maps.Keys(meta)) {
		member, err := json.Marshal(map[string]string{name: meta[name]})
		if err != nil {
			continue
		}
		object = append(append(object[:len(object)-1], ','), member[1:]...)
	}
	return object
}
