package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/casino-loyalty/loyalty/internal/diagnostics/diagnosticstest"
)

// diagnostics returns the address at which a process serves its diagnostics.
func (p *process) diagnostics(t *testing.T) (address string) {
	t.Helper()
	eventually(t, p.name+" serves diagnostics", func() error {
		lines := p.logged(`"msg":"serving diagnostics"`)
		if len(lines) != 1 {
			return fmt.Errorf("logged %q", lines)
		}
		var line struct{ Address string }
		err := json.Unmarshal([]byte(lines[0]), &line)
		address = line.Address
		return err
	})
	return address
}

// scrape reads the metrics of a replica.
func (c *cluster) scrape(name string) diagnosticstest.Metrics {
	c.t.Helper()
	return diagnosticstest.Scrape(c.t, c.processes[name].diagnostics(c.t))
}

// sum returns the sum of a metric over the replicas of a service, and whether one of them has it.
func (c *cluster) sum(service, metric string, labels ...string) (sum float64, found bool) {
	c.t.Helper()
	for _, name := range c.replicas[service] {
		value, ok := c.scrape(name).Find(metric, labels...)
		sum, found = sum+value, found || ok
	}
	return sum, found
}

// await waits until the sum of a metric over the replicas of a service equals want.
func (c *cluster) await(service string, want float64, name string, labels ...string) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%s%q of %s is %v", name, labels, service, want), func() error {
		if got, found := c.sum(service, name, labels...); !found || got != want {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
}

// TestMetrics follows one payment through the metrics of all services, with every bus. It then compares the table of metrics
// in the runbook with the metrics of the services.
func TestMetrics(t *testing.T) {
	t.Parallel()
	for _, bus := range []string{"kafka", "nats"} {
		t.Run(bus, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, bus)
			followPayment(t, c)
			followDeadLetter(c)
			checkPrivate(t, c)
			checkTable(t, c)
		})
	}
}

func followPayment(t *testing.T, c *cluster) {
	staff := newStaff(t, c.admin(t))
	player := newPlayer(t, c.url)
	live := connect(player, "")
	c.await("notifications", 1, "loyalty_websocket_connections")
	promotion := newPromotion(staff, "BONUS", "12.34").text("id")
	assign(staff, promotion, player)
	live.frame()
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion}, "Idempotency-Key", "once")
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion}, "Idempotency-Key", "once")
	player.refused(409, "PROMOTION_ALREADY_CLAIMED", "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	player.refused(404, "NOT_FOUND", "POST", "/api/v1/promotions/claim", object{"promotion_id": someID})

	player.call(200, "GET", "/api/v1/notifications", nil)
	c.await("promotions", 1, "loyalty_consumer_events_handled_total", "topic", "transactions")
	for _, s := range []struct{ service, topic string }{
		{"promotions", "players"}, {"promotions", "transactions"}, {"notifications", "notifications"},
	} {
		c.await(s.service, 0, "loyalty_consumer_lag_events", "topic", s.topic, "group", s.service)
	}
	const claim, add = "/loyalty.promotions.v1.PromotionService/Claim", "/loyalty.users.v1.LedgerService/AddTransaction"
	scrapes := map[string]diagnosticstest.Metrics{}
	for _, name := range services {
		scrapes[name] = c.scrape(name)
	}
	for _, want := range []struct {
		value         float64
		service, name string
		labels        []string
	}{
		{1, "promotions", "loyalty_claims_paid_total", nil},
		{1, "promotions", "loyalty_claims_refused_total", []string{"code", "PROMOTION_ALREADY_CLAIMED"}},
		{1, "promotions", "loyalty_claims_refused_total", []string{"code", "NOT_FOUND"}},
		{2, "promotions", "loyalty_requests_total", []string{"procedure", claim, "code", "OK"}},
		{4, "promotions", "loyalty_request_duration_seconds", []string{"procedure", claim}},
		{2, "promotions", "loyalty_internal_calls_total", []string{"procedure", add, "code", "OK"}},
		{2, "users", "loyalty_internal_requests_total", []string{"procedure", add, "code", "OK"}},
		{1, "users", "loyalty_ledger_transactions_total", []string{"type", "CREDIT"}},
		{1234, "users", "loyalty_ledger_amount_cents_total", []string{"type", "CREDIT"}},
		{1, "promotions", "loyalty_circuit_breaker_state", []string{"state", "closed"}},
		{0, "promotions", "loyalty_circuit_breaker_state", []string{"state", "open"}},
		{3, "promotions", "loyalty_outbox_published_total", nil}, // a notification, and two entries of the audit trail
		{2, "users", "loyalty_consumer_events_handled_total", []string{"topic", "audit", "group", "users"}},
		{1, "notifications", "loyalty_consumer_events_handled_total", []string{"topic", "notifications", "group", "notifications"}},
		{1, "notifications", "loyalty_consumer_event_duration_seconds", []string{"topic", "notifications"}},
		{0, "notifications", "loyalty_consumer_dead_letters_total", nil},
		{1, "notifications", "loyalty_websocket_frames_sent_total", nil},
		{0, "notifications", "loyalty_websocket_slow_closes_total", nil},
	} {
		if got := scrapes[want.service].Value(t, want.name, want.labels...); got != want.value {
			t.Errorf("%s%q of %s is %v, want %v", want.name, want.labels, want.service, got, want.value)
		}
	}
}

// followDeadLetter publishes a record that cannot be decoded.
func followDeadLetter(c *cluster) {
	c.publishRaw("notifications", "malformed", []byte(`{"user_id": 12345`))
	c.await("notifications", 1, "loyalty_consumer_dead_letters_total", "topic", "notifications", "group", "notifications")
	c.await("notifications", 1, "loyalty_dead_letters", "topic", "notifications")
}

// checkPrivate checks that the public port of a service and the gateway do not serve diagnostics.
func checkPrivate(t *testing.T, c *cluster) {
	for _, url := range []string{c.url, "http://" + c.listen[c.replicas["promotions"][0]]} {
		for _, path := range []string{"/metrics", "/health/ready", "/debug/pprof/", "/debug/pprof/heap"} {
			resp, err := http.Get(url + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s%s: status %d, want 404", url, path, resp.StatusCode)
			}
		}
	}
}

// checkTable compares the table of metrics in the runbook with the metrics that the services export.
func checkTable(t *testing.T, c *cluster) {
	type metric struct {
		family           *dto.MetricFamily
		labels, services map[string]bool
	}
	metrics := map[string]metric{}
	for _, service := range services {
		diagnosticstest.Lint(t, c.processes[service].diagnostics(t))
		for name, family := range c.scrape(service) {
			if !strings.HasPrefix(name, "loyalty_") {
				continue
			}
			m, ok := metrics[name]
			if !ok {
				m = metric{family, map[string]bool{}, map[string]bool{}}
				metrics[name] = m
			}
			m.services[service] = true
			for _, series := range family.GetMetric() {
				for _, l := range series.GetLabel() {
					m.labels[l.GetName()] = true
				}
			}
		}
	}
	list := func(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), ", ") }
	want := map[string]bool{}
	for name, m := range metrics {
		delete(m.labels, "component")
		want[fmt.Sprintf("| `%s` | %s | %s | %s | %s |", name, strings.ToLower(m.family.GetType().String()), list(m.services),
			list(m.labels), m.family.GetHelp())] = true
	}
	runbook, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(runbook)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "| `loyalty_") && !want[line] {
			t.Errorf("docs/runbook.md has a row that no service exports; remove it:\n%s", line)
		}
		delete(want, line)
	}
	if len(want) > 0 {
		t.Errorf("docs/runbook.md lacks rows of the table of metrics; add them:\n%s",
			strings.Join(slices.Sorted(maps.Keys(want)), "\n"))
	}
}
