package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	// smallRows is the number of rows of each table in the small databases.
	smallRows = 10_000
	// growthShare is the part of a measurement's duration that a list gets, because there are many lists.
	growthShare = 4
	// growthPages is the maximum number of pages that a call of a list reads, one after the other.
	growthPages = 4
)

// grown is the platform with databases of two sizes. The tables have equal proportions. Half of each large table belongs to
// one player.
type grown struct {
	*fleet

	owner, reader player // of many rows; see growthData
	small, large  sized
}

// sized is a set of services whose tables have the given number of rows.
type sized struct {
	rows    int
	callers map[string]*caller // one for each service
}

// growthRows returns a row for each list.
func growthRows() []Row {
	lists := growthLists()
	rows := make([]Row, len(lists))
	for i, l := range lists {
		rows[i] = Row{
			Name: "growth, " + l.name, Limit: "the same list if the tables have 10,000 rows",
			Metrics: []Metric{{Name: "p99", Unit: "ms", Goal: 1.3, AtMost: true}},
			Open: func(ctx context.Context, env *Env) (*Pair, error) {
				g, err := env.growing(ctx)
				if err != nil {
					return nil, err
				}
				return &Pair{Ours: one(g.measure(l, g.large)), Limit: one(g.measure(l, g.small))}, nil
			},
		}
	}
	return rows
}

// growing returns the platforms of two sizes. At the first call, it fills the databases and starts the services. At each
// call, it logs in.
func (e *Env) growing(ctx context.Context) (*grown, error) {
	if e.growth == nil {
		f, err := e.fleet(ctx, 1)
		if err != nil {
			return nil, err
		}
		e.growth = &grown{fleet: f}
	}
	g := e.growth
	if err := g.signIn(ctx, 0); err != nil {
		return nil, err
	}
	var err error
	if g.readers, err = g.enter(ctx, "reader", g.readers, 2); err != nil {
		return nil, err
	}
	g.owner, g.reader = g.readers[0], g.readers[1]
	if g.small.rows == 0 {
		if err := g.settled(ctx); err != nil { // the new services must not get the events of the registrations
			return nil, err
		}
		if g.small, err = g.start(ctx, "small", smallRows); err != nil {
			return nil, err
		}
		if g.large, err = g.start(ctx, "large", e.growthRows); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// start fills databases and starts a process of each service with them. The processes share Redis and Kafka with the fleet.
// No event is published while they run.
func (g *grown) start(ctx context.Context, size string, rows int) (sized, error) {
	s := sized{rows: rows, callers: map[string]*caller{}}
	for _, service := range []string{"users", "promotions", "notifications"} {
		g.env.progress("  inserting %d rows into each table of %s", rows, service)
		pool, databaseURL, err := g.createDatabase(ctx, service, size+"_"+service)
		if err != nil {
			return sized{}, err
		}
		if err := g.fill(ctx, service, pool, rows); err != nil {
			return sized{}, fmt.Errorf("fill the %s database of %s: %w", size, service, err)
		}
		name := service + "-" + size
		if g.listen[name], err = freeAddr(); err != nil {
			return sized{}, err
		}
		internal, err := freeAddr()
		if err != nil {
			return sized{}, err
		}
		g.environ[name] = []string{databaseSetting(service) + "=" + databaseURL, "LOYALTY_INTERNAL_LISTEN=" + internal}
		if err := g.run(ctx, name); err != nil {
			return sized{}, err
		}
		s.callers[service] = newCaller(g.processes[name].url)
	}
	return s, nil
}

// measure returns the 99th percentile of the latency of pages, in milliseconds. One caller reads them, without Nginx.
func (g *grown) measure(l growthList, s sized) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		var latencies []time.Duration
		for start := time.Now(); len(latencies) == 0 || time.Since(start) < d/growthShare; {
			path, token := g.request(l, s.rows)
			var page struct {
				NextPageToken string `json:"nextPageToken"`
			}
			for n := range growthPages {
				next := path
				if n > 0 {
					next += "&page_token=" + url.QueryEscape(page.NextPageToken)
				}
				called := time.Now()
				answer, err := s.callers[l.service].get(ctx, next, token)
				if err != nil {
					return 0, err
				}
				latencies = append(latencies, time.Since(called))
				page.NextPageToken = ""
				if err := json.Unmarshal(answer, &page); err != nil {
					return 0, err
				}
				if page.NextPageToken == "" {
					break
				}
			}
		}
		slices.Sort(latencies)
		return milliseconds(quantile(latencies, 0.99)), nil
	}
}

// growthID returns the id of the n-th row. The SQL of growthData builds the same ids.
func growthID(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("%s%012d", growthPrefix, n)) }
