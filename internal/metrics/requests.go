package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// refused is the value of the label procedure for requests that were refused before they reached a procedure.
const refused = "none"

// durations are the buckets of request durations, in seconds. Most requests take a few milliseconds; 20 seconds is the
// timeout of a call.
func durations() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
}

// Requests counts requests. It implements rpcserver.Observer.
type Requests struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// Requests adds the metrics of the public API.
func (r *Registry) Requests() *Requests { return r.requests("requests", "requests to the public API") }

// InternalRequests adds the metrics of the server of internal calls.
func (r *Registry) InternalRequests() *Requests {
	return r.requests("internal_requests", "internal calls received")
}

// InternalCalls adds the metrics of the client of internal calls. The attempts of a call count as one call.
func (r *Registry) InternalCalls() *Requests {
	return r.requests("internal_calls", "internal calls made")
}

func (r *Registry) requests(name, what string) *Requests {
	return &Requests{
		total: r.Counter(name+"_total", "Number of "+what+", by procedure and error code.", "procedure", "code"),
		duration: r.Histogram(name[:len(name)-1]+"_duration_seconds", "Duration of "+what+", by procedure.",
			durations(), "procedure"),
		inFlight: r.Gauge(name+"_in_flight", "Number of "+what+" in progress.").WithLabelValues(),
	}
}

// Started implements rpcserver.Observer.
func (r *Requests) Started() { r.inFlight.Inc() }

// Ended implements rpcserver.Observer.
func (r *Requests) Ended() { r.inFlight.Dec() }

// Answered implements rpcserver.Observer.
func (r *Requests) Answered(procedure, code string, took time.Duration) {
	if procedure == "" {
		procedure = refused
	}
	r.total.WithLabelValues(procedure, code).Inc()
	r.duration.WithLabelValues(procedure).Observe(took.Seconds())
}
