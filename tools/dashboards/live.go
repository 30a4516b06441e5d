package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// live shows the live connections and the delivery of notifications.
func live() board {
	return board{
		name: "live", title: "Live notifications", description: "Live connections, and how fast notifications reach them.",
		rows: []row{
			{"Connections", []panel{
				{title: "Live connections by replica", description: "A replica accepts 100,000.", unit: units.Short,
					queries: []query{{`sum by (instance) (loyalty_websocket_connections)`, "{{instance}}"}}},
				{title: "Connections closed because the client was too slow", unit: units.OpsPerSecond, queries: []query{
					{`sum by (instance) (rate(loyalty_websocket_slow_closes_total[$__rate_interval]))`, "{{instance}}"}}},
				{title: "Failed requests", description: "Failed requests to notifications, by error code.",
					unit: units.RequestsPerSecond, queries: []query{
						{`sum by (code) (rate(loyalty_requests_total{component="notifications", code!="OK"}[$__rate_interval]))`,
							"{{code}}"}}},
			}},
			{"Delivery", []panel{
				{title: "Sent frames", description: "Notifications and read states.", unit: units.OpsPerSecond, queries: []query{
					{`sum by (instance) (rate(loyalty_websocket_frames_sent_total[$__rate_interval]))`, "{{instance}}"}}},
				{title: "Handled notification events", unit: units.OpsPerSecond, queries: []query{
					{`sum by (instance) (rate(loyalty_consumer_events_handled_total{component="notifications"}` +
						`[$__rate_interval]))`, "{{instance}}"}}},
				{title: "Age of notifications", description: "Time from the event to the stored and sent notification.",
					unit: units.Seconds, queries: []query{
						{`max by (topic) (loyalty_consumer_last_event_age_seconds{component="notifications"})`, "{{topic}}"}}},
			}},
			{"Replicas", []panel{
				{title: "Memory per live connection", description: "Memory of the process, divided by its connections.",
					unit: units.BytesIEC, queries: []query{
						{`process_resident_memory_bytes / on (job, instance) (loyalty_websocket_connections > 0)`, "{{instance}}"}}},
				{title: "CPU cores in use", unit: units.Short, queries: []query{
					{`rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) loyalty_websocket_connections`,
						"{{instance}}"}}},
				{title: "Redis commands", unit: units.OpsPerSecond, queries: []query{
					{`sum by (instance) (rate(loyalty_redis_commands_total{component="notifications"}[$__rate_interval]))`,
						"{{instance}}"}}},
			}},
		},
	}
}
