package rpcserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// problem is a problem document of RFC 9457. Members of an error's Meta are added beside these.
type problem struct {
	// Type is "urn:loyalty:error:" and the code: it identifies the kind of problem and need not be looked up.
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

// WriteProblem answers a request with an error as a problem document. An error without a code is an INTERNAL of which
// the client learns nothing; the caller logs its cause. It is for handlers beside the RPCs, such as an upgrade to a
// WebSocket that is refused.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := classify(r.Context(), err)
	x := requestInfoFrom(r.Context())
	if id := w.Header().Get(HeaderRequestID); id != "" {
		x.requestID = id // outside of a Server, whoever made the id has put it there
	}
	info := e.Code.Info()
	p := problem{
		Type: "urn:loyalty:error:" + string(e.Code), Title: info.Title, Status: info.HTTP, Detail: detail(e),
		Code: e.Code, Instance: r.URL.EscapedPath(), RequestID: x.requestID,
	}
	for _, v := range e.Violations {
		p.Violations = append(p.Violations, problemViolation(v))
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers only: cannot happen
		body = []byte(`{}`)
	}
	body = withMeta(body, e.Meta)
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Accept-Encoding", "Trailer"} {
		h.Del(name)
	}
	setErrorHeaders(h, e)
	h.Set(HeaderRequestID, x.requestID)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(info.HTTP)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone
	}
	x.err = e
}

// withMeta adds members to an object, in the order of their names. The standard members cannot be replaced.
func withMeta(object []byte, meta map[string]string) []byte {
	standard := []string{"type", "title", "status", "detail", "code", "instance", "requestId", "violations"}
	names := make([]string, 0, len(meta))
	for name := range meta {
		if !slices.Contains(standard, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		member, err := json.Marshal(map[string]string{name: meta[name]})
		if err != nil {
			continue
		}
		object = append(append(object[:len(object)-1], ','), member[1:]...)
	}
	return object
}
