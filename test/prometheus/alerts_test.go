// Package prometheus_test tests the files of deploy/prometheus with promtool, and compares them with the runbook and the code.
package prometheus_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

const (
	folder  = "../../deploy/prometheus/"
	runbook = "../../docs/runbook.md"
	// runbookURL is the address of the runbook in the annotations.
	runbookURL = "https://github.com/casino-loyalty/loyalty/blob/main/docs/runbook.md#"
)

// rule is an alert, or a recording rule.
type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

// read decodes a YAML file of deploy/prometheus and refuses unknown keys.
func read(t *testing.T, name string, target any) {
	t.Helper()
	file, err := os.Open(folder + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(target); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// rules returns all rules of alerts.yml. The file must have no key but groups: the Helm chart uses it as the spec of a
// PrometheusRule.
func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				rule `yaml:",inline"`

				For string
			}
		}
	}
	read(t, "alerts.yml", &file)
	var all []rule
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, r.rule)
		}
	}
	if len(all) == 0 {
		t.Fatal("alerts.yml has no rules")
	}
	return all
}

// alerts returns the alerts by name.
func alerts(t *testing.T) map[string]rule {
	t.Helper()
	byName := map[string]rule{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if _, ok := byName[r.Alert]; ok {
			t.Errorf("alerts.yml has two alerts %s", r.Alert)
		}
		byName[r.Alert] = r
	}
	return byName
}

// TestPromtool runs the checks and the tests of promtool.
func TestPromtool(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not on the PATH; run scripts/setup.sh")
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(tool, args...)
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

var (
	alertName     = regexp.MustCompile(`alertname="(\w+)"`)
	templateLabel = regexp.MustCompile(`\$labels\.(\w+)`)
)

// TestEachAlertIsTested checks that alerts_test.yml has a case in which each alert fires, and one in which it does not. The
// labels of the firing alert must include those in its annotations.
func TestEachAlertIsTested(t *testing.T) {
	t.Parallel()
	var file struct {
		RuleFiles          []string `yaml:"rule_files"`
		EvaluationInterval string   `yaml:"evaluation_interval"`
		Tests              []struct {
			Name, Interval string
			InputSeries    []map[string]string `yaml:"input_series"`
			Cases          []struct {
				Expr     string
				EvalTime string `yaml:"eval_time"`
				Samples  []struct {
					Labels string
					Value  float64
				} `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	read(t, "alerts_test.yml", &file)
	firing, silent := map[string]string{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			m := alertName.FindStringSubmatch(c.Expr)
			if m == nil {
				t.Fatalf("test %q: the expression %s names no alert", test.Name, c.Expr)
			}
			if len(c.Samples) == 0 {
				silent[m[1]] = true
			} else {
				firing[m[1]] = c.Samples[0].Labels
			}
		}
	}
	for name, alert := range alerts(t) {
		labels, fires := firing[name]
		if !fires || !silent[name] {
			t.Errorf("alerts_test.yml needs a test in which %s fires, and one in which it does not", name)
			continue
		}
		for annotation, text := range alert.Annotations {
			for _, m := range templateLabel.FindAllStringSubmatch(text, -1) {
				if !regexp.MustCompile(`[{ ]` + m[1] + `="`).MatchString(labels) {
					t.Errorf("%s: the %s uses the label %s, but the alert in alerts_test.yml does not have it: %s",
						name, annotation, m[1], labels)
				}
			}
		}
	}
}

// TestRunbookDescribesEachAlert checks the annotations of each alert and its entry in the runbook.
func TestRunbookDescribesEachAlert(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		name, entry, _ := strings.Cut(section, "\n")
		entry, _, _ = strings.Cut(entry, "\n## ")
		entries[name] = entry
	}
	for name, alert := range alerts(t) {
		if s := alert.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: the severity is %q, want critical or warning", name, s)
		}
		for _, annotation := range []string{"summary", "description"} {
			if alert.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", name, annotation)
			}
		}
		if got, want := alert.Annotations["runbook_url"], runbookURL+strings.ToLower(name); got != want {
			t.Errorf("%s: runbook_url is %q, want %q", name, got, want)
		}
		for _, part := range []string{"\n- Meaning: ", "\n- First check: ", "\n- Action: "} {
			if !strings.Contains(entries[name], part) {
				t.Errorf("docs/runbook.md has no %q under the heading ### %s", strings.Trim(part, "\n- "), name)
			}
		}
		delete(entries, name)
	}
	for name := range entries {
		if strings.HasPrefix(name, "Loyalty") {
			t.Errorf("docs/runbook.md describes %s, which is not in alerts.yml", name)
		}
	}
}

var (
	metric   = regexp.MustCompile(`\b(loyalty_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)(?:=|!=|=~|!~)"([^"]*)"`)
	tableRow = regexp.MustCompile("(?m)^\\| `(loyalty_\\w+)` \\| (\\w+) \\| [^|]* \\| ([^|]*) \\|")
	always   = []string{"component", "instance", "job", "le"}
)

// TestExpressionsUseKnownMetrics compares the metrics, labels and error codes in alerts.yml with the table of metrics in the
// runbook and with the error catalogue. An expression with a wrong name is valid and never fires.
func TestExpressionsUseKnownMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for _, m := range tableRow.FindAllStringSubmatch(string(text), -1) {
		labels[m[1]] = append(strings.Split(strings.TrimSpace(m[3]), ", "), always...)
		if m[2] == "histogram" {
			for _, s := range []string{"_bucket", "_sum", "_count"} {
				labels[m[1]+s] = labels[m[1]]
			}
		}
	}
	codes := slices.Collect(maps.Keys(apperr.Codes()))
	for _, r := range rules(t) {
		for _, m := range metric.FindAllStringSubmatch(r.Expr, -1) {
			known, ok := labels[m[1]]
			if !ok {
				t.Errorf("%s%s uses %s, which is not in the table of metrics", r.Alert, r.Record, m[1])
			}
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(known, l[1]) {
					t.Errorf("%s%s: %s has no label %s", r.Alert, r.Record, m[1], l[1])
				}
				for code := range strings.SplitSeq(l[2], "|") {
					if l[1] == "code" && !slices.Contains(codes, apperr.Code(code)) {
						t.Errorf("%s%s: %s is not an error code", r.Alert, r.Record, code)
					}
				}
			}
		}
	}
	want := fmt.Sprintf("(loyalty_outbox_shards) < %d", outbox.Shards)
	if got := alerts(t)["LoyaltyOutboxWithoutRelay"].Expr; !strings.HasSuffix(got, want) {
		t.Errorf("LoyaltyOutboxWithoutRelay: the expression is %q, want the end %q", got, want)
	}
}
