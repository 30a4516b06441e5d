package metrics

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/internal/redis"
)

// Dependencies adds a gauge for each dependency that status returns, which is 1 while the dependency is available. status
// must always return the same dependencies.
func (r *Registry) Dependencies(status func() []readiness.Status) {
	for i, s := range status() {
		r.GaugeOf("dependency_up", "1 if the dependency was available at the last check, else 0.",
			Labels{"dependency": s.Dependency}, func() float64 { return number(status()[i].Available) })
	}
}

// Redis adds counters of the commands of a client.
func (r *Registry) Redis(c *redis.Client) {
	r.CounterOf("redis_commands_total", "Number of commands to Redis, with those that the client-side cache answered.", nil,
		func() float64 { return float64(c.Stats().Commands) })
	r.CounterOf("redis_errors_total", "Number of failed commands to Redis.", nil,
		func() float64 { return float64(c.Stats().Failures) })
}

// Postgres adds the metrics of a connection pool. The value of their label "pool" is name.
func (r *Registry) Postgres(name string, pool *pgxpool.Pool) {
	labels := Labels{"pool": name}
	gauge := func(name, help string, read func(*pgxpool.Stat) int32) {
		r.GaugeOf("postgres_connections_"+name, help, labels, func() float64 { return float64(read(pool.Stat())) })
	}
	gauge("acquired", "Number of connections in use.", (*pgxpool.Stat).AcquiredConns)
	gauge("idle", "Number of open connections that are not in use.", (*pgxpool.Stat).IdleConns)
	gauge("max", "Maximum number of connections of the pool.", (*pgxpool.Stat).MaxConns)
	r.CounterOf("postgres_acquires_total", "Number of times that a connection was taken from the pool.", labels,
		func() float64 { return float64(pool.Stat().AcquireCount()) })
	r.CounterOf("postgres_acquire_waits_total",
		"Number of times that a connection was taken from the pool after waiting, because none was idle.", labels,
		func() float64 { return float64(pool.Stat().EmptyAcquireCount()) })
	r.CounterOf("postgres_acquire_wait_seconds_total", "Time spent waiting for a connection because none was idle.", labels,
		func() float64 { return pool.Stat().EmptyAcquireWaitTime().Seconds() })
}

// number returns 1 for true and 0 for false.
func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
