// Package eventtest is the conformance suite of the bus: what every driver must do, told by tests that run against a
// real broker. A driver's test package calls Main from TestMain and Run from a test.
package eventtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Patience is how long a test waits for what must happen, before it fails. Nothing takes nearly as long on a machine
// that is not overloaded.
const Patience = 60 * time.Second

// Open connects a new client to the broker at addr.
type Open func(ctx context.Context, addr string, log *slog.Logger) (event.Bus, error)

// Driver is what the suite needs to know of a driver and its broker.
type Driver struct {
	// Addr is the broker's address, as Open takes it. It is also reached from another process.
	Addr string
	// Open connects a client.
	Open Open
	// Raw sends body to the topic as a producer that knows nothing of CloudEvents does: without any header, and always to
	// the same partition.
	Raw func(ctx context.Context, addr, topic string, body []byte) error
	// Oversize is how many bytes of one letter Raw can send that are too many to be buried whole, and can be replayed.
	Oversize int
	// Forget drops all events that the topic has so far, as their age does.
	Forget func(ctx context.Context, addr, topic string) error
	// Outage is how long a test takes a handler's dependency away: longer than the broker waits for a member that fell
	// silent before it gives its events to another.
	Outage time.Duration
	// Partitions and Replication of the topics that the suite creates.
	Partitions, Replication int
}

// Run runs the suite. Its tests are independent of each other: each has topics and groups of its own.
func Run(t *testing.T, d Driver) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"ping":                                  testPing,
		"an event keeps its attributes":         testRoundTrip,
		"a large event":                         testLarge,
		"a record without headers":              testRaw,
		"an event published twice":              testDuplicate,
		"what cannot be published":              testRefused,
		"topics are created once":               testTopics,
		"subscribed before it exists":           testSubscribeFirst,
		"groups see all, members share":         testGroups,
		"order per key":                         testOrder,
		"order while members come and go":       testRebalance,
		"a slow key blocks no other":            testSlowKey,
		"retried until it succeeds":             testRetry,
		"permanent errors":                      testPermanent,
		"attempts run out":                      testExhausted,
		"a panic is an error":                   testPanic,
		"stopped in mid-handler":                testStopWaits,
		"stopped between attempts":              testStopBetween,
		"stopped in an outage":                  testStopInOutage,
		"a dependency is away":                  testOutage,
		"a dependency stays away":               testEndless,
		"killed in mid-handler":                 testKilled,
		"closed under its subscribers":          testClose,
		"replay":                                testReplay,
		"replay of a record without id":         testReplayRaw,
		"replay of a large record":              testReplayLarge,
		"a record too large to writeDeadLetter": testOversize,
		"replay of what is gone":                testGone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, d))
		})
	}
}

// fixture is one test's part of the broker.
type fixture struct {
	driver Driver
	topic  string
	bus    event.Bus
	ids    atomic.Int64
}

func newFixture(t *testing.T, d Driver) *fixture {
	t.Helper()
	f := &fixture{driver: d, topic: "t-" + uuid.NewString()}
	f.bus = f.open(t)
	if err := f.bus.EnsureTopics(deadline(t), d.Partitions, d.Replication, event.TopicSpec{Name: f.topic}); err != nil {
		t.Fatal(err)
	}
	return f
}

// open returns a client of its own, which is closed at the end of the test.
func (f *fixture) open(t *testing.T) event.Bus {
	t.Helper()
	bus, err := f.driver.Open(t.Context(), f.driver.Addr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// event returns a new event of the fixture's topic, the nth of its key.
func (f *fixture) event(key string, n int) event.Event {
	return event.Event{
		ID:          fmt.Sprintf("%s/%d#%d", key, n, f.ids.Add(1)),
		Source:      "/loyalty/eventtest",
		Type:        "loyalty.eventtest.v1.TESTED",
		Topic:       f.topic,
		Key:         key,
		Time:        time.Date(2026, 3, 10, 12, 0, 0, n*1000, time.UTC),
		ContentType: event.ContentJSON,
		Data:        fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

// publish sends events and fails the test if the bus does not take them.
func (f *fixture) publish(t *testing.T, events ...event.Event) {
	t.Helper()
	if err := f.bus.Publish(deadline(t), events...); err != nil {
		t.Fatal(err)
	}
}

// attempts is how often an event is tried that fails by itself.
const attempts = 4

// subscribe starts a member of the group on bus. stop ends it and waits; the end of the test calls it too.
func (f *fixture) subscribe(t *testing.T, bus event.Bus, group string, h event.Handler) (stop func()) {
	t.Helper()
	s := event.Subscription{
		Group:   f.group(group),
		Topic:   f.topic,
		Handler: h,
		Retry:   event.Retry{Attempts: attempts, Initial: time.Millisecond, Max: 5 * time.Millisecond},
	}
	return start(t, bus, s)
}

// group makes a group's name unique to the test.
func (f *fixture) group(name string) string { return name + "-" + f.topic }

func start(t *testing.T, bus event.Bus, s event.Subscription) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = bus.Subscribe(ctx, s)
	}()
	stop = func() {
		t.Helper()
		cancel()
		select {
		case <-done:
			if err != nil {
				t.Errorf("subscription of %s ended with: %v", s.Group, err)
			}
		case <-time.After(Patience):
			t.Errorf("subscription of %s did not end", s.Group)
		}
	}
	t.Cleanup(stop)
	return stop
}

// letters returns the dead letters of the fixture's topic.
func (f *fixture) letters(t *testing.T) []event.DeadLetter {
	t.Helper()
	var letters []event.DeadLetter
	err := f.bus.DeadLetters(deadline(t), f.topic, func(d event.DeadLetter) error {
		letters = append(letters, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

// depth checks how many dead letters await a replay.
func (f *fixture) depth(t *testing.T, want int64) {
	t.Helper()
	got, err := f.bus.Depth(deadline(t), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%d dead letters await a replay, want %d", got, want)
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

func contains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s is %q, want it to contain %q", what, got, want)
	}
}
