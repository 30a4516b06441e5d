// Package metrics defines the Prometheus metrics that the services have in common, and the registry of a service. Packages
// below the services do not import it: they count in plain numbers, or define an observer interface, which a type of this
// package implements. So only the wiring depends on Prometheus.
//
// The names of all metrics start with "loyalty_". All have the label "component", the name of the service, because
// loyalty-dev runs several services in one process. The other labels have a bounded number of values: procedures, error
// codes, topics, groups and the like, never ids or texts from clients.
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/casino-loyalty/loyalty/internal/buildinfo"
)

const (
	prefix = "loyalty_"
	// labelComponent is not named "service": the Prometheus Operator sets a label of this name on every series.
	labelComponent = "component"
	// readTimeout limits the reading of a value that another server has, so that a scrape ends in time during its outage.
	readTimeout = 2 * time.Second
)

// Registry holds the metrics of one service. The methods that add metrics panic if a metric exists already; call each of
// them at most once with the same labels.
type Registry struct {
	*prometheus.Registry
	labelled prometheus.Registerer
}

// New returns a registry whose metrics have the label component.
func New(component string) *Registry {
	r := prometheus.NewPedanticRegistry()
	return &Registry{r, prometheus.WrapRegistererWith(prometheus.Labels{labelComponent: component}, r)}
}

// Metrics returns the registry.
func (r *Registry) Metrics() prometheus.Gatherer { return r }

// Process returns a registry with the metrics of the process: the Go runtime, CPU, memory, file descriptors and the build.
func Process() *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	info := buildinfo.Read()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "build_info", Help: "The build of the program; always 1.",
			ConstLabels: prometheus.Labels{
				"version": info.Version, "commit": info.Commit, "go_version": info.GoVersion, "schema_version": info.SchemaVersion,
			},
		}, func() float64 { return 1 }))
	return r
}

// Labels are constant labels of a metric.
type Labels = prometheus.Labels

// Counter adds a counter with variable labels.
func (r *Registry) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	r.labelled.MustRegister(c)
	return c
}

// Gauge adds a gauge with variable labels.
func (r *Registry) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labels)
	r.labelled.MustRegister(g)
	return g
}

// Histogram adds a histogram with variable labels.
func (r *Registry) Histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labels)
	r.labelled.MustRegister(h)
	return h
}

// CounterOf adds a counter whose value is read at each scrape. read must be cheap and safe for concurrent use.
func (r *Registry) CounterOf(name, help string, labels Labels, read func() float64) {
	r.labelled.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: prefix + name, Help: help, ConstLabels: labels}, read))
}

// GaugeOf adds a gauge whose value is read at each scrape. read must be cheap and safe for concurrent use.
func (r *Registry) GaugeOf(name, help string, labels Labels, read func() float64) {
	r.labelled.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: prefix + name, Help: help, ConstLabels: labels}, read))
}

// remote is a collector of gauges that are read from another server. If the server does not answer, a scrape has none of
// them: a wrong value would be worse.
type remote struct {
	descs []*prometheus.Desc
	read  func(context.Context) ([]float64, error)
}

// remoteGauge is a gauge of a remote collector.
type remoteGauge struct{ name, help string }

// remote adds gauges that one call of read returns, in the same order.
func (r *Registry) remote(labels Labels, read func(context.Context) ([]float64, error), gauges ...remoteGauge) {
	c := remote{read: read}
	for _, g := range gauges {
		c.descs = append(c.descs, prometheus.NewDesc(prefix+g.name, g.help, nil, labels))
	}
	r.labelled.MustRegister(c)
}

// Describe implements prometheus.Collector.
func (c remote) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c remote) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	values, err := c.read(ctx)
	if err != nil {
		return
	}
	for i, v := range values {
		out <- prometheus.MustNewConstMetric(c.descs[i], prometheus.GaugeValue, v)
	}
}
