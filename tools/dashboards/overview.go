package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// overview answers: is the platform healthy, is money moving, is it lagging?
func overview() board {
	return board{
		name: "overview", title: "Overview", description: "Is the platform healthy, is money moving, is it lagging?",
		rows: []row{
			{"Now", []panel{
				{title: "Firing alerts", unit: units.Short, latest: &limits{warning: 1, critical: 1}, queries: []query{
					{`count(ALERTS{alertname=~"Loyalty.+", alertstate="firing"}) or vector(0)`, "alerts"}}},
				{title: "Replicas", description: "Replicas whose metrics Prometheus reads.", unit: units.Short,
					latest:  &limits{warning: 1, inverted: true},
					queries: []query{{`count by (component) (loyalty_requests_in_flight)`, "{{component}}"}}},
				{title: "Missing dependencies", description: "Dependencies that are not available to a replica.",
					unit: units.Short, latest: &limits{warning: 1, critical: 3}, queries: []query{
						{`count(loyalty_dependency_up == 0) or vector(0)`, "dependencies"}}},
				{title: "Versions", description: "More than one version runs during an upgrade.", unit: units.Short,
					latest:  &limits{warning: 2, critical: 3},
					queries: []query{{`count(count by (version, commit) (loyalty_build_info))`, "versions"}}},
				{title: "Credited in the last hour", description: "In units of the currency.", unit: units.LocaleFormat,
					latest: &limits{warning: 1e9, critical: 1e10}, queries: []query{
						{`sum(increase(loyalty_ledger_amount_cents_total{type="CREDIT"}[1h])) / 100`, "credited"}}},
				{title: "Dead letters", unit: units.Short, latest: &limits{warning: 1, critical: 100}, queries: []query{
					{`sum(max by (topic) (loyalty_dead_letters))`, "events"}}},
			}},
			{"Is it healthy?", []panel{
				{title: "Requests", unit: units.RequestsPerSecond, queries: []query{
					{`sum by (component) (rate(loyalty_requests_total[$__rate_interval]))`, "{{component}}"}}},
				{title: "Failed requests", description: "Share of the requests that failed because of the platform.",
					unit: units.PercentUnit, queries: []query{
						{`(sum by (component) (rate(loyalty_requests_total{` + faults + `}[$__rate_interval])) or 0 * ` +
							`sum by (component) (rate(loyalty_requests_total[$__rate_interval]))) / ` +
							`sum by (component) (rate(loyalty_requests_total[$__rate_interval]))`, "{{component}}"}}},
				{title: "Latency, 99th percentile", unit: units.Seconds, queries: []query{
					{`histogram_quantile(0.99, sum by (component, le) ` +
						`(rate(loyalty_request_duration_seconds_bucket[$__rate_interval])))`, "{{component}}"}}},
			}},
			{"Is money moving?", []panel{
				{title: "Claims", description: "Paid claims, and refused claims by error code.", unit: units.RequestsPerSecond,
					queries: []query{
						{`sum(rate(loyalty_claims_paid_total[$__rate_interval]))`, "paid"},
						{`sum by (code) (rate(loyalty_claims_refused_total[$__rate_interval]))`, "{{code}}"}}},
				{title: "Amounts per minute", description: "In units of the currency, by type of the transaction.",
					unit: units.LocaleFormat, queries: []query{
						{`sum by (type) (rate(loyalty_ledger_amount_cents_total[$__rate_interval])) * 60 / 100`, "{{type}}"}}},
				{title: "Anomalies in the last hour", description: "Staff list and mark them: GET /api/v1/anomalies.",
					unit: units.Short, queries: []query{{`sum by (rule) (increase(loyalty_anomalies_total[1h]))`, "{{rule}}"}}},
			}},
			{"Is it lagging?", []panel{
				{title: "Age of the oldest event in the outbox", unit: units.Seconds, queries: []query{
					{`max by (component) (loyalty_outbox_oldest_event_age_seconds)`, "{{component}}"}}},
				{title: "Events that wait for a consumer", unit: units.Short, queries: []query{
					{`max by (component, topic) (loyalty_consumer_lag_events)`, "{{component}}: {{topic}}"}}},
				{title: "Live connections", unit: units.Short, queries: []query{
					{`sum(loyalty_websocket_connections)`, "connections"}}},
			}},
		},
	}
}

// faults selects the error codes of failures that are not the caller's.
const faults = `code=~"INTERNAL|DEPENDENCY_UNAVAILABLE"`
