package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPanelsAndAlerts runs the query of every Grafana panel, and the expression of every alert rule, on a Prometheus that
// scrapes a running platform with the configuration of deploy/prometheus. Each panel must have data, also without failures.
// Each rule must be evaluated without an error, on metrics that exist. With -v it prints the queries and their values.
func TestPanelsAndAlerts(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "kafka")
	p := startPrometheus(t, c)
	// A counter that starts with the first request has a rate only after a scrape with another value.
	for round := 1; round <= 2; round++ {
		traffic(t, c)
		p.await(fmt.Sprintf(`sum(loyalty_consumer_events_handled_total{topic="transactions"}) == %d`, round))
		p.await(fmt.Sprintf(`count(timestamp(loyalty_build_info) > %f) == %d`, float64(time.Now().UnixMilli())/1000, len(services)))
	}
	for _, q := range panelQueries(t) {
		result, err := p.query(q.expr)
		if err != nil || !result.hasData() {
			t.Errorf("%s\n\t%s\n\t= %s, %v; want data", q.panel, q.expr, result, err)
		}
		t.Logf("%s\n\t%s\n\t= %s", q.panel, q.expr, result)
	}
	for _, r := range p.rules() {
		result, err := p.query(r.Query)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		t.Logf("%s\n\t%s\n\t= %s", r.Name, strings.Join(strings.Fields(r.Query), " "), result)
		for _, name := range metricName.FindAllString(r.Query, -1) {
			if found, err := p.query(fmt.Sprintf("{__name__=%q}", name)); err != nil || len(found) == 0 {
				t.Errorf("%s: Prometheus has no series of %s: %v", r.Name, name, err)
			}
		}
	}
}

var metricName = regexp.MustCompile(`\b(loyalty|process)[_:][a-z0-9_:]+\b`)

// traffic makes a player and staff use the platform: registration, logins, an assignment, a notification over a live
// connection, claims that are paid and refused, and requests that fail.
func traffic(t *testing.T, c *cluster) {
	t.Helper()
	staff := newStaff(t, c.admin(t))
	player := newPlayer(t, c.url)
	socket := connect(player, "")
	promotion := newPromotion(staff, "BONUS", "12.34").text("id")
	assign(staff, promotion, player)
	socket.frame()
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	player.refused(409, "PROMOTION_ALREADY_CLAIMED", "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	player.call(200, "GET", "/api/v1/notifications", nil)
	anonymous := client{t: t, url: c.url}
	anonymous.refused(401, "TOKEN_MISSING", "GET", "/api/v1/notifications", nil)
	anonymous.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": player.email, "password": "wrong password"})
}

// panelQuery is a query of a Grafana panel.
type panelQuery struct{ panel, expr string }

// panelQueries returns the queries of all dashboards, with values for the variables of Grafana.
func panelQueries(t *testing.T) []panelQuery {
	t.Helper()
	files, err := filepath.Glob("../../deploy/grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("deploy/grafana/dashboards has no dashboards: %v", err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$component", ".*")
	var all []panelQuery
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Type, Title string
				Targets     []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(content, &dashboard); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range dashboard.Panels {
			name := strings.TrimSuffix(filepath.Base(file), ".json") + "/" + p.Title
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("the panel %s has no query", name)
			}
			for _, target := range p.Targets {
				all = append(all, panelQuery{name, variables.Replace(target.Expr)})
			}
		}
	}
	return all
}
