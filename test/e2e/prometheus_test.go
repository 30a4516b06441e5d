package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// prometheus is a running Prometheus.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus starts Prometheus with the files of deploy/prometheus. It changes only the targets of each job, and the
// intervals, which become one second.
func startPrometheus(t *testing.T, c *cluster) prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is not on the PATH; run scripts/setup.sh")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../../deploy/prometheus")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "prometheus.yml")
	retarget(t, config, c)
	address := testproc.FreeAddress(t)
	process := testproc.Start(t, exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+address), syscall.SIGKILL)
	t.Cleanup(func() {
		process.Kill()
		if t.Failed() {
			t.Logf("output of Prometheus:\n%s", tail(process.Output()))
		}
	})
	p := prometheus{t, "http://" + address}
	ready := process.Ready(t, func(context.Context) error {
		_, err := p.query("vector(1)")
		return err
	})
	if !ready {
		t.FailNow()
	}
	return p
}

// retarget replaces the targets and the intervals in a configuration of Prometheus.
func retarget(t *testing.T, file string, c *cluster) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Global    map[string]string `yaml:"global"`
		RuleFiles []string          `yaml:"rule_files"`
		Jobs      []struct {
			Name    string                `yaml:"job_name"`
			Targets []map[string][]string `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	for name := range config.Global {
		config.Global[name] = "1s"
	}
	var names []string
	for i, job := range config.Jobs {
		names = append(names, job.Name)
		config.Jobs[i].Targets = []map[string][]string{{"targets": {c.processes[job.Name].diagnostics(t)}}}
	}
	if slices.Sort(names); !slices.Equal(names, slices.Sorted(slices.Values(services))) {
		t.Fatalf("prometheus.yml has the jobs %q, want %q", names, services)
	}
	content, err = yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// series are the values of a query by their labels.
type series map[string]float64

// hasData reports whether at least one value is a number. The quotient of two rates of zero is NaN.
func (s series) hasData() bool {
	for _, v := range s {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

func (s series) String() string {
	if len(s) == 0 {
		return "no data"
	}
	var out []string
	for _, labels := range slices.Sorted(maps.Keys(s)) {
		out = append(out, strings.TrimSpace(labels+" "+strconv.FormatFloat(s[labels], 'g', 4, 64)))
	}
	return strings.Join(out, "; ")
}

// get reads the data of an answer of the API.
func (p prometheus) get(path string, data any) error {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("GET %s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, data)
}

// query returns the current values of an expression.
func (p prometheus) query(expr string) (series, error) {
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := p.get("/api/v1/query?query="+url.QueryEscape(expr), &data); err != nil {
		return nil, err
	}
	s := series{}
	for _, r := range data.Result {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(r.Metric)) {
			labels = append(labels, name+"="+r.Metric[name])
		}
		value, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			return nil, err
		}
		s["{"+strings.Join(labels, ", ")+"}"] = value
	}
	return s, nil
}

// await waits until an expression has a result.
func (p prometheus) await(expr string) {
	p.t.Helper()
	eventually(p.t, "Prometheus finds "+expr, func() error {
		if s, err := p.query(expr); err != nil || len(s) == 0 {
			return fmt.Errorf("got %s, %v", s, err) //nolint:errorlint // the error may be nil
		}
		return nil
	})
}

// evaluated is a rule and the result of its last evaluation.
type evaluated struct{ Name, Query, Health, LastError string }

// rules returns all rules, once they have been evaluated without an error.
func (p prometheus) rules() []evaluated {
	p.t.Helper()
	var all []evaluated
	eventually(p.t, "Prometheus has evaluated all rules", func() error {
		var data struct {
			Groups []struct{ Rules []evaluated }
		}
		if err := p.get("/api/v1/rules", &data); err != nil {
			return err
		}
		all = nil
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					return fmt.Errorf("the health of %s is %s: %s", r.Name, r.Health, r.LastError)
				}
				all = append(all, r)
			}
		}
		return nil
	})
	if len(all) == 0 {
		p.t.Fatal("Prometheus has no rules")
	}
	return all
}
