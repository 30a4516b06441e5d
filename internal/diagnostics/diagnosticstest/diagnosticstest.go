// Package diagnosticstest reads the diagnostics of a process in tests.
package diagnosticstest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Get returns the status and the body of a GET request to a path of an address.
func Get(t testing.TB, address, path string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// Metrics are the metrics of one scrape, by name.
type Metrics map[string]*dto.MetricFamily

// Scrape reads /metrics of an address. It fails the test if the answer is not in the Prometheus format.
func Scrape(t testing.TB, address string) Metrics {
	t.Helper()
	body := text(t, address)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("/metrics: %v", err)
	}
	return families
}

func text(t testing.TB, address string) []byte {
	t.Helper()
	status, body := Get(t, address, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics: status %d, %s", status, body)
	}
	return body
}

// Lint fails the test if promtool objects to a metric of the platform in /metrics of an address. promtool also objects to
// some metrics of the Go runtime, whose names are not ours.
func Lint(t testing.TB, address string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not on the PATH: install Prometheus (apt-get install prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics")
	cmd.Stdin = bytes.NewReader(text(t, address))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			t.Errorf("promtool check metrics: %s", line)
		}
	}
}

// Value returns the sum of the series of a metric that have the given labels: names and values in turn. For a histogram it
// sums the numbers of observations. It fails the test if no series has the labels.
func (m Metrics) Value(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	sum, found := m.Find(name, labels...)
	if !found {
		t.Fatalf("no series of %s has the labels %q", name, labels)
	}
	return sum
}

// Find is like Value, but reports whether a series has the labels.
func (m Metrics) Find(name string, labels ...string) (sum float64, found bool) {
	for _, series := range m[name].GetMetric() {
		if !matches(series, labels) {
			continue
		}
		found = true
		sum += series.GetCounter().GetValue() + series.GetGauge().GetValue() + series.GetUntyped().GetValue() +
			float64(series.GetHistogram().GetSampleCount())
	}
	return sum, found
}

func matches(series *dto.Metric, labels []string) bool {
	values := map[string]string{}
	for _, l := range series.GetLabel() {
		values[l.GetName()] = l.GetValue()
	}
	for i := 0; i < len(labels); i += 2 {
		if values[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// Readiness is the body of /health/ready.
type Readiness struct {
	Status       string `json:"status"`
	Dependencies []struct {
		Component  string `json:"component"`
		Dependency string `json:"dependency"`
		Reason     string `json:"reason"`
		Available  bool   `json:"available"`
	} `json:"dependencies"`
}

// Ready returns the status and the body of /health/ready.
func Ready(t testing.TB, address string) (int, Readiness) {
	t.Helper()
	status, body := Get(t, address, "/health/ready")
	var r Readiness
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("/health/ready: %v in %q", err, body)
	}
	return status, r
}

// Missing returns the dependencies that are not available, in the form COMPONENT/DEPENDENCY. It fails the test if one of
// them has no reason.
func (r Readiness) Missing(t testing.TB) []string {
	t.Helper()
	var missing []string
	for _, d := range r.Dependencies {
		if d.Available {
			continue
		}
		missing = append(missing, d.Component+"/"+d.Dependency)
		if d.Reason == "" {
			t.Errorf("/health/ready: no reason why %s is not available", d.Dependency)
		}
	}
	return missing
}
