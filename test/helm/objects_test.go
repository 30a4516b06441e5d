package helm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var services = []string{"users", "promotions", "notifications"}

// TestSelectorsMatchPods checks that each selector matches the pods of exactly one workload and that each target port exists.
func TestSelectorsMatchPods(t *testing.T) {
	for name, v := range map[string]values{"minimal": minimal(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			objects := render(t, v)
			match := func(object string, selector map[string]string) corev1.PodTemplateSpec {
				var found []string
				for name, pod := range pods(objects) {
					if labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
						found = append(found, name)
					}
				}
				if len(found) != 1 {
					t.Errorf("%s selects the pods of %v, want those of one workload", object, found)
					return corev1.PodTemplateSpec{}
				}
				return pods(objects)[found[0]]
			}
			for _, s := range of[*corev1.Service](objects) {
				pod := match("service "+s.Name, s.Spec.Selector)
				for _, port := range s.Spec.Ports {
					if !slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
						return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal })
					}) {
						t.Errorf("service %s: the pods have no port %s", s.Name, port.TargetPort.StrVal)
					}
				}
			}
			for _, b := range of[*policyv1.PodDisruptionBudget](objects) {
				match("budget "+b.Name, b.Spec.Selector.MatchLabels)
			}
			for _, p := range of[*networkingv1.NetworkPolicy](objects) {
				match("policy "+p.Name, p.Spec.PodSelector.MatchLabels)
			}
			if budgets := len(of[*policyv1.PodDisruptionBudget](objects)); budgets != 4 {
				t.Errorf("%d disruption budgets, want one for each of the 4 workloads", budgets)
			}
		})
	}
}

// TestPodsAreRestricted checks that every container satisfies the restricted pod security standard with a read-only file
// system, and that every mount has a volume.
func TestPodsAreRestricted(t *testing.T) {
	for name, pod := range pods(render(t, everything())) {
		spec := pod.Spec
		if !*spec.SecurityContext.RunAsNonRoot || spec.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: pod security context = %+v", name, spec.SecurityContext)
		}
		if *spec.AutomountServiceAccountToken {
			t.Errorf("%s mounts a service account token", name)
		}
		for _, c := range spec.Containers {
			s := c.SecurityContext
			if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: container security context = %+v", name, s)
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s: resources = %+v, want a memory limit and a CPU request", name, c.Resources)
			}
			for _, m := range c.VolumeMounts {
				if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
					t.Errorf("%s: mount %s has no volume", name, m.Name)
				}
			}
		}
	}
}

// TestServicesAreProbed checks that readiness and liveness use the diagnostics listener and that replicas have stable names.
func TestServicesAreProbed(t *testing.T) {
	objects := render(t, minimal())
	for _, service := range services {
		set := named[*appsv1.StatefulSet](t, objects, "loyalty-"+service)
		if *set.Spec.Replicas != 3 {
			t.Errorf("%s has %d replicas, want 3", service, *set.Spec.Replicas)
		}
		container := set.Spec.Template.Spec.Containers[0]
		for path, probe := range map[string]*corev1.Probe{
			"/health/live": container.LivenessProbe, "/health/ready": container.ReadinessProbe,
		} {
			if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "diagnostics" {
				t.Errorf("%s: probe of %s = %+v", service, path, probe)
			}
		}
		variables := environment(t, set.Spec.Template)
		if got := variables["LOYALTY_INSTANCE"]; got != "metadata.name" {
			t.Errorf("%s: LOYALTY_INSTANCE comes from %q, want the name of the pod", service, got)
		}
	}
	promotions := environment(t, named[*appsv1.StatefulSet](t, objects, "loyalty-promotions").Spec.Template)
	ledger := named[*corev1.Service](t, objects, "loyalty-users-replicas")
	if promotions["LOYALTY_LEDGER_ADDRESS"] != ledger.Name+":9090" || ledger.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("ledger address %q, want the headless service %s", promotions["LOYALTY_LEDGER_ADDRESS"], ledger.Name)
	}
}

// TestSettingsAreDocumented checks that the chart sets only variables that docs/settings.md lists.
func TestSettingsAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	chart, err := filepath.Glob(chartPath + "/templates/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(chart, chartPath+"/values.yaml", chartPath+"/README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`LOYALTY_[A-Z0-9_]+`).FindAllString(string(text), -1) {
			if !strings.Contains(string(document), "`"+name+"`") {
				t.Errorf("%s: %s is not a documented setting", filepath.Base(path), name)
			}
		}
	}
}

// TestMigrationJob checks that the job runs before the pods, cannot be killed by a probe or a deadline, and has the secrets,
// settings and authorities of the services.
func TestMigrationJob(t *testing.T) {
	objects := render(t, everything())
	job := named[*batchv1.Job](t, objects, "loyalty-migrate")
	if got := job.Annotations["helm.sh/hook"]; got != "pre-install,pre-upgrade" {
		t.Errorf("hook = %q, want pre-install,pre-upgrade", got)
	}
	container := job.Spec.Template.Spec.Containers[0]
	if container.LivenessProbe != nil || container.ReadinessProbe != nil || container.StartupProbe != nil ||
		job.Spec.ActiveDeadlineSeconds != nil || job.Spec.Template.Spec.ActiveDeadlineSeconds != nil {
		t.Error("the migration job has a probe or a deadline")
	}
	var secrets []string
	for _, source := range container.EnvFrom {
		secrets = append(secrets, source.SecretRef.Name)
	}
	want := []string{"loyalty-users", "loyalty-promotions", "loyalty-notifications", "loyalty-owner"}
	if !slices.Equal(secrets, want) {
		t.Errorf("secrets = %v, want %v: those of the services, then that of the owner", secrets, want)
	}
	users := named[*appsv1.StatefulSet](t, objects, "loyalty-users").Spec.Template
	if got, want := environment(t, job.Spec.Template)["SSL_CERT_FILE"], environment(t, users)["SSL_CERT_FILE"]; got != want || got == "" {
		t.Errorf("SSL_CERT_FILE = %q, the services have %q", got, want)
	}
	if !slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "ca" }) {
		t.Error("the migration job does not mount the authorities")
	}
	if job.Spec.Template.Spec.Containers[0].Image != users.Spec.Containers[0].Image {
		t.Error("the migration job has another image than the services")
	}
}

// TestPreflight checks that all servers are checked after the migrations, with the secrets of the services only: the owner of the
// tables would hide missing privileges.
func TestPreflight(t *testing.T) {
	objects := render(t, everything())
	migrate, check := named[*batchv1.Job](t, objects, "loyalty-migrate"), named[*batchv1.Job](t, objects, "loyalty-check")
	container := check.Spec.Template.Spec.Containers[0]
	if want := []string{"check", "--preflight"}; !slices.Equal(container.Args, want) {
		t.Errorf("arguments = %v, want %v", container.Args, want)
	}
	if before, after := migrate.Annotations["helm.sh/hook-weight"], check.Annotations["helm.sh/hook-weight"]; before != "0" || after != "1" {
		t.Errorf("weights = %s and %s, want 0 and 1: the migrations run first", before, after)
	}
	for _, source := range container.EnvFrom {
		if source.SecretRef.Name == "loyalty-owner" {
			t.Error("the check has the secret of the owner of the tables")
		}
	}
	if environment(t, check.Spec.Template)["LOYALTY_TRUSTED_PROXIES"] == "" {
		t.Error("the check does not know the trusted proxies")
	}
	if got := environment(t, check.Spec.Template)["LOYALTY_NOTIFICATIONS_STORE"]; got != "postgres" {
		t.Errorf("LOYALTY_NOTIFICATIONS_STORE = %q in the check, want the setting of notifications", got)
	}
	objects = render(t, merge(minimal(), values{"preflight": values{"enabled": false}}))
	for _, job := range of[*batchv1.Job](objects) {
		if job.Name != "loyalty-migrate" {
			t.Errorf("job %s exists although the check is off", job.Name)
		}
	}
}

// TestLedgerIsReachableFromPromotionsOnly checks the network policy of the port that moves money.
func TestLedgerIsReachableFromPromotionsOnly(t *testing.T) {
	for name, v := range map[string]values{"minimal": minimal(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			policy := named[*networkingv1.NetworkPolicy](t, render(t, v), "loyalty-users")
			rules := 0
			for _, rule := range policy.Spec.Ingress {
				if len(rule.Ports) == 0 {
					t.Errorf("rule %+v opens every port", rule)
				}
				for _, port := range rule.Ports {
					if port.Port.StrVal != "ledger" {
						continue
					}
					rules++
					want := map[string]string{"app.kubernetes.io/name": "loyalty", "app.kubernetes.io/instance": "loyalty", "app.kubernetes.io/component": "promotions"}
					if len(rule.From) != 1 || rule.From[0].NamespaceSelector != nil || rule.From[0].IPBlock != nil ||
						!labels.Equals(rule.From[0].PodSelector.MatchLabels, want) {
						t.Errorf("the ledger is open to %+v, want promotions only", rule.From)
					}
				}
			}
			if rules != 1 {
				t.Errorf("%d rules open the ledger, want 1", rules)
			}
			for _, service := range of[*corev1.Service](render(t, v)) {
				if service.Spec.Type != corev1.ServiceTypeClusterIP && service.Name != "loyalty-gateway" && service.Spec.Type != "" {
					t.Errorf("service %s is reachable from outside", service.Name)
				}
			}
		})
	}
}

// TestAutoscaling checks that a workload with an autoscaler does not fix its number of replicas.
func TestAutoscaling(t *testing.T) {
	objects := render(t, everything())
	scalers := of[*autoscalingv2.HorizontalPodAutoscaler](objects)
	if len(scalers) != len(services) {
		t.Fatalf("%d autoscalers, want %d", len(scalers), len(services))
	}
	for _, scaler := range scalers {
		set := named[*appsv1.StatefulSet](t, objects, scaler.Spec.ScaleTargetRef.Name)
		if set.Spec.Replicas != nil {
			t.Errorf("%s fixes %d replicas", set.Name, *set.Spec.Replicas)
		}
	}
}

// TestMonitoring checks that each monitor selects one service with a port for metrics, and that the rules are those of
// deploy/prometheus.
func TestMonitoring(t *testing.T) {
	objects := render(t, everything())
	monitors := of[*monitoringv1.ServiceMonitor](objects)
	if len(monitors) != len(services) {
		t.Fatalf("%d monitors, want %d", len(monitors), len(services))
	}
	for _, monitor := range monitors {
		selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		scraped := 0
		for _, service := range of[*corev1.Service](objects) {
			for _, port := range service.Spec.Ports {
				if selector.Matches(labels.Set(service.Labels)) && port.Name == monitor.Spec.Endpoints[0].Port {
					scraped++
				}
			}
		}
		if scraped != 1 {
			t.Errorf("monitor %s reads %d services, want 1", monitor.Name, scraped)
		}
	}
	rule := named[*monitoringv1.PrometheusRule](t, objects, "loyalty")
	if len(rule.Spec.Groups) == 0 || len(rule.Spec.Groups[0].Rules) == 0 {
		t.Error("the rule object has no rules")
	}
}

// TestGatewayConfiguration checks the rendered configuration with the real Nginx.
func TestGatewayConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		values values
		file   string
	}{"plain": {minimal(), "nginx.conf"}, "TLS": {everything(), "nginx-tls.conf"}} {
		t.Run(name, func(t *testing.T) {
			objects := render(t, test.values)
			dir := t.TempDir()
			certificate(t, dir)
			for file, text := range named[*corev1.ConfigMap](t, objects, "loyalty-gateway").Data {
				// The names of the cluster and the mounted certificate do not exist here.
				text = regexp.MustCompile(`server loyalty-[a-z]+:`).ReplaceAllString(text, "server 127.0.0.1:")
				text = strings.ReplaceAll(text, "/etc/nginx/tls/", dir+"/")
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			command := named[*appsv1.Deployment](t, objects, "loyalty-gateway").Spec.Template.Spec.Containers[0].Command
			if got := filepath.Base(command[2]); got != test.file {
				t.Errorf("Nginx starts with %s, want %s", got, test.file)
			}
			nginx := exec.CommandContext(t.Context(), "nginx", "-t", "-c", filepath.Join(dir, test.file), "-g", "pid "+dir+"/pid;")
			if out, err := nginx.CombinedOutput(); err != nil {
				t.Errorf("nginx -t: %v\n%s", err, out)
			}
		})
	}
}
