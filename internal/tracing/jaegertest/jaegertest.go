// Package jaegertest runs Jaeger, a trace store, in tests, and reads traces back from it. Jaeger is built from a separate
// module, tools/jaeger.
package jaegertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/testproc"
	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// Server is a running Jaeger.
type Server struct {
	// Endpoint is the URL of the OTLP gRPC receiver.
	Endpoint string
	query    string // the URL of the query API
	process  *testproc.Process
}

// Start runs Jaeger without traces until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	binary, err := testproc.Tool("jaeger")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take a port before Jaeger does
		otlp, query := testproc.FreeAddress(t), testproc.FreeAddress(t)
		s := &Server{Endpoint: "http://" + otlp, query: "http://" + query}
		s.process = testproc.Start(t, exec.Command(binary, otlp, query), syscall.SIGKILL)
		t.Cleanup(s.process.Kill)
		if s.process.Ready(t, s.ready) {
			return s
		}
	}
	t.Fatal("jaeger does not start; see above")
	return nil
}

// Kill kills Jaeger. Its traces are lost.
func (s *Server) Kill() { s.process.Kill() }

// ready returns an error unless Jaeger answers. The receiver starts before the query API.
func (s *Server) ready(ctx context.Context) error {
	var services []string
	return s.get(ctx, "/api/services", &services)
}

// Span is a stored span.
type Span struct {
	tracingtest.Span
	Start    time.Time
	Duration time.Duration
}

// Find returns the ids of the traces with a span of a service that has an attribute with the given value.
func (s *Server) Find(ctx context.Context, service, attribute, value string) ([]string, error) {
	tags, err := json.Marshal(map[string]string{attribute: value})
	if err != nil {
		return nil, err
	}
	var traces []trace
	query := url.Values{"service": {service}, "tags": {string(tags)}}
	if err := s.get(ctx, "/api/traces?"+query.Encode(), &traces); err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range traces {
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// Trace returns the spans of a trace.
func (s *Server) Trace(ctx context.Context, id string) ([]Span, error) {
	var traces []trace
	if err := s.get(ctx, "/api/traces/"+id, &traces); err != nil {
		return nil, err
	}
	var spans []Span
	for _, t := range traces {
		for _, stored := range t.Spans {
			spans = append(spans, stored.span(t.Processes[stored.Process].Service))
		}
	}
	return spans, nil
}

// get reads the data of an answer of the query API.
func (s *Server) get(ctx context.Context, path string, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.query+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"msg"`
		} `json:"errors"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || len(answer.Errors) > 0 {
		return fmt.Errorf("GET %s: %s %v", path, response.Status, answer.Errors)
	}
	return json.Unmarshal(answer.Data, data)
}

// trace is a trace in Jaeger's JSON format.
type trace struct {
	ID        string       `json:"traceID"`
	Spans     []storedSpan `json:"spans"`
	Processes map[string]struct {
		Service string `json:"serviceName"`
	} `json:"processes"`
}

// storedSpan is a span in Jaeger's JSON format. Its times are microseconds.
type storedSpan struct {
	Trace      string      `json:"traceID"`
	ID         string      `json:"spanID"`
	Operation  string      `json:"operationName"`
	Start      int64       `json:"startTime"`
	Duration   int64       `json:"duration"`
	Process    string      `json:"processID"`
	References []reference `json:"references"`
	Tags       []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
}

type reference struct {
	Type  string `json:"refType"`
	Trace string `json:"traceID"`
	Span  string `json:"spanID"`
}

func (s storedSpan) span(service string) Span {
	span := Span{
		Span:  tracingtest.Span{Service: service, Name: s.Operation, Trace: s.Trace, ID: s.ID, Attributes: map[string]string{}},
		Start: time.UnixMicro(s.Start), Duration: time.Duration(s.Duration) * time.Microsecond,
	}
	for _, r := range s.References {
		if r.Type == "CHILD_OF" {
			span.Parent = r.Span
		} else {
			span.Links = append(span.Links, r.Trace)
		}
	}
	for _, tag := range s.Tags {
		span.Attributes[tag.Key] = strings.TrimSpace(fmt.Sprint(tag.Value))
		span.Failed = span.Failed || tag.Key == "error" && tag.Value == true
	}
	return span
}
