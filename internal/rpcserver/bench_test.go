package rpcserver_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// BenchmarkRequest measures requests without a network: over REST, with and without metrics and traces, and over Connect. For
// comparison, it measures a bare handler that reads and writes the same JSON.
func BenchmarkRequest(b *testing.B) {
	h, withMetrics := benchHandler(b, nil, nil), benchHandler(b, metrics.New("bench").Requests(), nil)
	tracer, err := tracing.New(b.Context(), tracing.Config{
		Endpoint: tracingtest.Start(b).Endpoint(), Sample: 1, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	withTraces := benchHandler(b, nil, tracer)
	for name, bm := range map[string]struct {
		h                  http.Handler
		method, path, body string
	}{
		"get/rest":              {h, http.MethodGet, promotions + "/" + thingID, ""},
		"get/rest with metrics": {withMetrics, http.MethodGet, promotions + "/" + thingID, ""},
		"get/rest with traces":  {withTraces, http.MethodGet, promotions + "/" + thingID, ""},
		"get/connect":           {h, http.MethodPost, procedure + "GetPromotion", `{"promotion_id":"` + thingID + `"}`},
		"get/bare":              {http.HandlerFunc(bare), http.MethodGet, "/", ""},
		"create/rest":           {h, http.MethodPost, promotions, complete},
		"create/connect":        {h, http.MethodPost, procedure + "CreatePromotion", `{"promotion":` + complete + `}`},
		"create/bare":           {http.HandlerFunc(bare), http.MethodPost, "/", complete},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), bm.method, bm.path, strings.NewReader(bm.body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer staff")
				w := httptest.NewRecorder()
				bm.h.ServeHTTP(w, r)
				if w.Code >= http.StatusBadRequest {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// benchHandler returns the handler of a server with the observer, which may be nil.
func benchHandler(b *testing.B, o rpcserver.Observer, tracer *tracing.Tracer) http.Handler {
	b.Helper()
	return handler(b, func(c *rpcserver.Config) { c.Observer, c.Tracer = o, tracer })
}

// BenchmarkObserver measures what metrics add to a request.
func BenchmarkObserver(b *testing.B) {
	requests := metrics.New("bench").Requests()
	b.ReportAllocs()
	for b.Loop() {
		requests.Started()
		requests.Answered("/loyalty.promotions.v1.PromotionService/GetPromotion", "OK", time.Millisecond)
		requests.Ended()
	}
}

type promotion struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Amount      string `json:"amount"`
	StartDate   string `json:"startDate"`
	EndDate     string `json:"endDate"`
}

func bare(w http.ResponseWriter, r *http.Request) {
	p := promotion{ID: thingID}
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(p)
}
