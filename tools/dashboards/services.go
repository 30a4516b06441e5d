package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// services shows requests and resources of each service and replica.
func services() board {
	return board{
		name: "services", title: "Services", description: "Requests, ledger, databases, Redis and processes of each service.",
		component: true,
		rows: []row{
			{"Requests", requestPanels()},
			{"Ledger", ledgerPanels()},
			{"PostgreSQL and Redis", databasePanels()},
			{"Logins", loginPanels()},
			{"Processes", processPanels()},
		},
	}
}

func requestPanels() []panel {
	return []panel{
		{title: "Requests by procedure", description: "The procedure none stands for requests that were refused " +
			"before they reached a procedure.",
			unit: units.RequestsPerSecond, queries: []query{
				{`sum by (procedure) (rate(loyalty_requests_total{component=~"$component"}[$__rate_interval]))`, "{{procedure}}"}}},
		{title: "Failed requests by procedure and code", unit: units.RequestsPerSecond, queries: []query{
			{`sum by (procedure, code) ` +
				`(rate(loyalty_requests_total{component=~"$component", code!="OK"}[$__rate_interval]))`, "{{procedure}}: {{code}}"}}},
		{title: "Latency by procedure, 99th percentile", unit: units.Seconds, queries: []query{
			{`histogram_quantile(0.99, sum by (procedure, le) ` +
				`(rate(loyalty_request_duration_seconds_bucket{component=~"$component"}[$__rate_interval])))`, "{{procedure}}"}}},
		{title: "Requests in progress", unit: units.Short, queries: []query{
			{`sum by (component, instance) (loyalty_requests_in_flight{component=~"$component"})`, "{{component}} {{instance}}"}}},
	}
}

func ledgerPanels() []panel {
	return []panel{
		{title: "Calls to the ledger", description: "Calls of promotions by result, and how many users received.",
			unit: units.RequestsPerSecond, queries: []query{
				{`sum by (code) (rate(loyalty_internal_calls_total[$__rate_interval]))`, "{{code}}"},
				{`sum(rate(loyalty_internal_requests_total[$__rate_interval]))`, "received"}}},
		{title: "Latency of the ledger, 99th percentile", unit: units.Seconds, queries: []query{
			{`histogram_quantile(0.99, sum by (le) (rate(loyalty_internal_call_duration_seconds_bucket[$__rate_interval])))`,
				"calls of promotions"},
			{`histogram_quantile(0.99, sum by (le) (rate(loyalty_internal_request_duration_seconds_bucket[$__rate_interval])))`,
				"answers of users"}}},
		{title: "Transactions", unit: units.OpsPerSecond, queries: []query{
			{`sum by (type) (rate(loyalty_ledger_transactions_total[$__rate_interval]))`, "{{type}}"}}},
		{title: "Calls per commit", description: "The ledger groups calls that arrive during a commit.", unit: units.Short,
			queries: []query{{`sum(rate(loyalty_ledger_commit_size_sum[$__rate_interval])) / ` +
				`sum(rate(loyalty_ledger_commit_size_count[$__rate_interval]))`, "mean"}}},
		{title: "Circuit breaker", description: "1 for the current state of each promotions replica.", unit: units.Short,
			queries: []query{{`max by (instance, state) (loyalty_circuit_breaker_state)`, "{{instance}} {{state}}"}}},
	}
}

func databasePanels() []panel {
	return []panel{
		{title: "Database connections in use", description: "Share of the maximum of the pool. The pool of the ledger is full " +
			"under load.", unit: units.PercentUnit, queries: []query{
			{`max by (component, pool) (loyalty_postgres_connections_acquired{component=~"$component"} / ` +
				`loyalty_postgres_connections_max)`, "{{component}}: {{pool}}"}}},
		{title: "Mean wait for a database connection", unit: units.Seconds, queries: []query{
			{`sum by (component, pool) (rate(loyalty_postgres_acquire_wait_seconds_total{component=~"$component"}` +
				`[$__rate_interval])) / sum by (component, pool) (rate(loyalty_postgres_acquires_total[$__rate_interval]))`,
				"{{component}}: {{pool}}"}}},
		{title: "Redis commands", unit: units.OpsPerSecond, queries: []query{
			{`sum by (component) (rate(loyalty_redis_commands_total{component=~"$component"}[$__rate_interval]))`,
				"{{component}}"}}},
		{title: "Failed Redis commands", unit: units.OpsPerSecond, queries: []query{
			{`sum by (component) (rate(loyalty_redis_errors_total{component=~"$component"}[$__rate_interval]))`,
				"{{component}}"}}},
	}
}

func loginPanels() []panel {
	return []panel{
		{title: "Failed logins", unit: units.RequestsPerSecond, queries: []query{
			{`sum by (code) (rate(loyalty_logins_failed_total[$__rate_interval]))`, "{{code}}"}}},
		{title: "Refused by a rate limit", unit: units.RequestsPerSecond, queries: []query{
			{`sum by (limit) (rate(loyalty_rate_limited_total[$__rate_interval]))`, "{{limit}}"}}},
		{title: "Password hashes", unit: units.Short, queries: []query{
			{`sum(loyalty_password_hashes_running)`, "running"}, {`sum(loyalty_password_hashes_waiting)`, "waiting"},
			{`sum(rate(loyalty_password_hashes_refused_total[$__rate_interval]))`, "refused per second"}}},
		{title: "Mean wait for a core", description: "Time that a login or registration waits before its password is hashed.",
			unit: units.Seconds, queries: []query{
				{`sum by (instance) (rate(loyalty_password_hash_wait_seconds_total[$__rate_interval])) / ` +
					`sum by (instance) (rate(loyalty_password_hashes_total[$__rate_interval]))`, "{{instance}}"}}},
	}
}

// processPanels show metrics without the label component, so they do not depend on the selected services.
func processPanels() []panel {
	return []panel{
		{title: "CPU cores in use", unit: units.Short, queries: []query{
			{`rate(process_cpu_seconds_total[$__rate_interval])` + ours, "{{job}} {{instance}}"}}},
		{title: "Memory", unit: units.BytesIEC, queries: []query{
			{`process_resident_memory_bytes` + ours, "{{job}} {{instance}}"}}},
		{title: "Goroutines", unit: units.Short, queries: []query{{`go_goroutines` + ours, "{{job}} {{instance}}"}}},
		{title: "File descriptors in use", description: "Share of the limit of the process.", unit: units.PercentUnit,
			queries: []query{{`process_open_fds / process_max_fds` + ours, "{{job}} {{instance}}"}}},
	}
}

// ours restricts metrics of processes to those of the platform.
const ours = ` and on (job, instance) loyalty_build_info`
