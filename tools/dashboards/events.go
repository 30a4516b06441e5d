package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// events follows events from the outboxes over the bus to the consumers.
func events() board {
	const group = "{{topic}} → {{group}}"
	return board{
		name: "events", title: "Events", description: "Outboxes, consumers and dead letters.",
		rows: []row{
			{"Outboxes", []panel{
				{title: "Events that wait", description: "Counted up to 10,000.", unit: units.Short, queries: []query{
					{`max by (component) (loyalty_outbox_events)`, "{{component}}"}}},
				{title: "Age of the oldest event", unit: units.Seconds, queries: []query{
					{`max by (component) (loyalty_outbox_oldest_event_age_seconds)`, "{{component}}"}}},
				{title: "Published events", unit: units.OpsPerSecond, queries: []query{
					{`sum by (component) (rate(loyalty_outbox_published_total[$__rate_interval]))`, "{{component}}"}}},
				{title: "Batches that the bus refused", unit: units.OpsPerSecond, queries: []query{
					{`sum by (component) (rate(loyalty_outbox_publish_failures_total[$__rate_interval]))`, "{{component}}"}}},
				{title: "Shards by replica", description: "Together the replicas of a service publish 8 shards.",
					unit: units.Short, queries: []query{
						{`sum by (component, instance) (loyalty_outbox_shards)`, "{{component}} {{instance}}"}}},
			}},
			{"Consumers", []panel{
				{title: "Lag", description: "Events that the group has not handled.", unit: units.Short, queries: []query{
					{`max by (topic, group) (loyalty_consumer_lag_events)`, group}}},
				{title: "Age of handled events", description: "Time from the event to the end of its handling, for the last event.",
					unit: units.Seconds, queries: []query{
						{`max by (topic, group) (loyalty_consumer_last_event_age_seconds)`, group}}},
				{title: "Handled events", unit: units.OpsPerSecond, queries: []query{
					{`sum by (topic, group) (rate(loyalty_consumer_events_handled_total[$__rate_interval]))`, group}}},
				{title: "Duration of handling, 99th percentile", unit: units.Seconds, queries: []query{
					{`histogram_quantile(0.99, sum by (topic, group, le) ` +
						`(rate(loyalty_consumer_event_duration_seconds_bucket[$__rate_interval])))`, group}}},
			}},
			{"Failures", []panel{
				{title: "Repeated calls of handlers", unit: units.OpsPerSecond, queries: []query{
					{`sum by (topic, group) (rate(loyalty_consumer_event_retries_total[$__rate_interval]))`, group}}},
				{title: "New dead letters", unit: units.OpsPerSecond, queries: []query{
					{`sum by (topic, group) (rate(loyalty_consumer_dead_letters_total[$__rate_interval]))`, group}}},
				{title: "Dead letters", description: "Those that were not replayed. To list them: loyalty events dead TOPIC.",
					unit: units.Short, queries: []query{{`max by (topic) (loyalty_dead_letters)`, "{{topic}}"}}},
			}},
		},
	}
}
