package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// problem is an error in the form of RFC 9457, as the services answer it too.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	Instance  string `json:"instance"`
	RequestID string `json:"requestId"`
}

// writeProblem answers with the gateway's own errors; those of the services pass through as they are.
func writeProblem(w http.ResponseWriter, r *http.Request, e *apperr.Error) {
	info := e.Code.Info()
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(info.HTTP)
	_ = json.NewEncoder(w).Encode(problem{ // fails only for a client that has gone
		Type:      "urn:loyalty:error:" + string(e.Code),
		Title:     info.Title,
		Status:    info.HTTP,
		Detail:    e.Detail,
		Code:      string(e.Code),
		Instance:  r.URL.EscapedPath(),
		RequestID: w.Header().Get(requestIDHeader),
	})
}
