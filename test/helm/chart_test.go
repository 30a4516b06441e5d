// Package helm tests the Helm chart in deploy/helm: it renders the chart and decodes every object strictly.
//
// The package is a separate module, because Helm and the Kubernetes types would triple the dependencies of the platform.
package helm_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

const chartPath = "../../deploy/helm/loyalty"

// values are nested values of the chart.
type values = map[string]any

// loadChart reads the chart once: Helm reports the symbolic links of the chart at each reading.
var loadChart = sync.OnceValues(func() (*chart.Chart, error) { return loader.Load(chartPath) })

// minimal are the values without which the chart does not render.
func minimal() values {
	return values{
		"image":          values{"repository": "registry.example.com/loyalty"},
		"trustedProxies": "10.244.0.0/16",
		"settings": values{
			"LOYALTY_KAFKA_BROKERS": "kafka-0:9092", "LOYALTY_KAFKA_TLS": true,
			"LOYALTY_REDIS_ADDRESS": "redis:6379", "LOYALTY_REDIS_TLS": true, "LOYALTY_INSECURE_LEDGER": "no-tls",
		},
	}
}

// everything are values that turn on every optional part.
func everything() values {
	autoscaling := values{"autoscaling": values{"enabled": true}}
	peers := []any{values{"namespaceSelector": values{"matchLabels": values{"kubernetes.io/metadata.name": "monitoring"}}}}
	return merge(minimal(), values{
		"image":             values{"tag": "1.2.3", "pullSecrets": []any{"registry"}},
		"users":             autoscaling,
		"promotions":        autoscaling,
		"notifications":     merge(values{"settings": values{"LOYALTY_NOTIFICATIONS_STORE": "postgres"}}, autoscaling),
		"migrations":        values{"existingSecret": "loyalty-owner"},
		"internalTLSSecret": "ledger-tls",
		"caConfigMap":       "company-ca",
		"gateway": values{
			"tlsSecret": "public-tls", "realIPFrom": []any{"10.0.0.0/8"},
			"service": values{"type": "LoadBalancer", "port": 443, "annotations": values{"example.com/kind": "public"}},
		},
		"networkPolicy":     values{"gatewayFrom": peers, "monitoringFrom": peers},
		"serviceMonitor":    values{"enabled": true, "labels": values{"release": "prometheus"}},
		"prometheusRule":    values{"enabled": true},
		"podLabels":         values{"team": "loyalty"},
		"podAnnotations":    values{"example.com/note": "x"},
		"nodeSelector":      values{"kubernetes.io/os": "linux"},
		"tolerations":       []any{values{"key": "dedicated", "operator": "Exists"}},
		"priorityClassName": "high",
	})
}

// merge returns base with the values of over. Maps are merged, all other values are replaced.
func merge(base, over values) values {
	return chartutil.CoalesceTables(over, base)
}

// render returns the objects that the chart makes, hooks included.
func render(t *testing.T, v values) []runtime.Object {
	t.Helper()
	text, err := manifest(t, v)
	if err != nil {
		t.Fatal(err)
	}
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(types); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(types, serializer.EnableStrict).UniversalDeserializer()
	reader := yaml.NewYAMLReader(newReader(text))
	var objects []runtime.Object
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(stripComments(document))) == 0 {
			continue
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in the manifest\n%s", err, document)
		}
		objects = append(objects, object)
	}
}

// manifest returns the rendered chart as one YAML text.
func manifest(t *testing.T, v values) (string, error) {
	t.Helper()
	loaded, err := loadChart()
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{Log: t.Logf})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = "loyalty", "casino"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.31.0", Major: "1", Minor: "31"}
	release, err := install.Run(loaded, v)
	if err != nil {
		return "", err
	}
	parts := []string{release.Manifest}
	for _, hook := range release.Hooks {
		parts = append(parts, hook.Manifest)
	}
	return strings.Join(parts, "\n---\n"), nil
}

func TestLint(t *testing.T) {
	for name, v := range map[string]values{"minimal": minimal(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			result := action.NewLint().Run([]string{chartPath}, v)
			for _, m := range result.Messages {
				if m.Severity > support.InfoSev {
					t.Errorf("helm lint: %v", m)
				}
			}
			for _, err := range result.Errors {
				t.Errorf("helm lint: %v", err)
			}
		})
	}
}

// TestRefusedValues checks that the chart refuses incomplete and unsafe values and names the value.
func TestRefusedValues(t *testing.T) {
	for name, test := range map[string]struct {
		change values
		want   string
	}{
		"no image":                {values{"image": values{"repository": ""}}, "repository"},
		"no trusted proxies":      {values{"trustedProxies": ""}, "trustedProxies"},
		"unknown value":           {values{"replicas": 5}, "replicas"},
		"password in settings":    {values{"settings": values{"LOYALTY_REDIS_PASSWORD": "x"}}, "LOYALTY_REDIS_PASSWORD"},
		"database in settings":    {values{"users": values{"settings": values{"LOYALTY_USERS_DATABASE_URL": "x"}}}, "LOYALTY_USERS_DATABASE_URL"},
		"setting of the chart":    {values{"settings": values{"LOYALTY_LISTEN": ":1"}}, "LOYALTY_LISTEN is set by the chart"},
		"setting of no service":   {values{"settings": values{"PATH": "/"}}, "PATH"},
		"no secret":               {values{"users": values{"existingSecret": ""}}, "existingSecret"},
		"grace period too short":  {values{"terminationGracePeriodSeconds": 10}, "terminationGracePeriodSeconds"},
		"rate without a unit":     {values{"gateway": values{"loginRate": "10"}}, "loginRate"},
		"service of unknown type": {values{"gateway": values{"service": values{"type": "External"}}}, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest(t, merge(minimal(), test.change))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %s", err, test.want)
			}
		})
	}
}
