package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Bus is the event bus.
type Bus struct {
	// Name is the name of the product, such as "Kafka".
	Name string
	// Open connects to the bus.
	Open func(ctx context.Context) (event.Bus, error)
	// Topics are the topics of the schema.
	Topics []event.TopicSpec
	// Replication is the number of copies of each event that the settings ask for.
	Replication int
	// SessionTimeout is the session timeout of consumers, or 0 if the bus has none.
	SessionTimeout time.Duration
	// Preflight is true before the services have created the topics.
	Preflight bool
}

// safeReplication is the smallest number of copies with which the bus survives the loss of one server without losing events.
const safeReplication = 3

// fastServerTimeout is the longest time after which the others should replace a server that has stopped.
const fastServerTimeout = 4 * time.Second

// Run implements the check of the bus.
func (c Bus) Run(ctx context.Context, r *Report) {
	bus, err := c.Open(ctx)
	if err != nil {
		r.FailedTo("connect", err, "check the settings of the bus")
		return
	}
	defer bus.Close()
	if err := bus.Ping(ctx); err != nil { // unlike Describe, it does not retry, so its error names the reason
		r.FailedTo("connect", err, "check the addresses, the credentials and TLS, and that the servers run")
		return
	}
	var names []string
	for _, t := range c.Topics {
		names = append(names, t.Name, event.DeadLetterTopic(t.Name))
	}
	d, err := bus.Describe(ctx, names...)
	if err != nil {
		r.FailedTo("read the topics", err, "allow the user to describe the topics and their configuration")
		return
	}
	r.OKf("connected; the servers are %s %s", c.Name, d.Version)
	c.timeouts(d, r)
	c.topics(d.Topics, r)
}

// timeouts reports whether the servers accept the consumers, and how fast they replace a server that has stopped.
func (c Bus) timeouts(d event.Description, r *Report) {
	if c.SessionTimeout == 0 {
		return
	}
	if d.MinSessionTimeout > c.SessionTimeout {
		r.Fail(fmt.Sprintf("refuses consumers: LOYALTY_KAFKA_SESSION_TIMEOUT is %s, but group.min.session.timeout.ms of the "+
			"brokers is %d", c.SessionTimeout, d.MinSessionTimeout.Milliseconds()), "change one of the two settings")
	}
	if d.ServerTimeout > fastServerTimeout {
		r.Warn(fmt.Sprintf("after the loss of a broker, events wait for %s or longer: broker.session.timeout.ms is %d",
			d.ServerTimeout, d.ServerTimeout.Milliseconds()),
			"set broker.session.timeout.ms to 2500 and broker.heartbeat.interval.ms to 500")
	}
}

func (c Bus) topics(topics []event.TopicState, r *Report) {
	var missing []string
	good := 0
	for _, t := range topics {
		switch {
		case !t.Exists:
			missing = append(missing, t.Name)
		case c.topic(t, r):
			good++
		}
	}
	if len(missing) > 0 {
		problem := report(r.Fail)
		if c.Preflight {
			problem = r.Warn
		}
		problem("topics do not exist: "+strings.Join(missing, ", "), "run loyalty events topics")
	}
	if good > 0 {
		r.OKf("%d of %d topics have %d or more replicas in sync", good, len(topics), c.Replication)
	}
	if c.Replication < safeReplication {
		r.Warn(fmt.Sprintf("LOYALTY_BUS_REPLICATION is %d: the loss of one server stops the bus or loses events", c.Replication),
			"use three servers and LOYALTY_BUS_REPLICATION=3")
	}
}

// topic reports the problems of a topic. It returns true if there are none.
func (c Bus) topic(t event.TopicState, r *Report) bool {
	problem := func(level report, action, format string, args ...any) bool {
		level(fmt.Sprintf("topic %s ", t.Name)+fmt.Sprintf(format, args...), action)
		return false
	}
	const minInSync = "set min.insync.replicas of the topic to 2"
	switch {
	case t.Replicas < c.Replication:
		return problem(r.Fail, "add replicas to the topic with the tools of "+c.Name,
			"has %d of %d replicas", t.Replicas, c.Replication)
	case t.InSync < t.MinInSync:
		return problem(r.Fail, "start the missing servers", "accepts no events: %d of %d replicas are in sync, and %d are needed",
			t.InSync, t.Replicas, t.MinInSync)
	case t.Replicas >= safeReplication && t.MinInSync < safeReplication-1:
		return problem(r.Fail, minInSync, "acknowledges an event that only %d of its replicas has stored", t.MinInSync)
	case t.Replicas > 1 && t.MinInSync >= t.Replicas:
		return problem(r.Fail, minInSync, "accepts no events after the loss of one server: min.insync.replicas is %d of %d",
			t.MinInSync, t.Replicas)
	case t.InSync < t.Replicas:
		return problem(r.Warn, "look for a server that is down or slow", "has %d of %d replicas in sync", t.InSync, t.Replicas)
	}
	return true
}
