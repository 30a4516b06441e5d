// Package eventtest is the conformance suite for drivers of the bus. Its tests run against a real broker. A driver's test
// package calls Main from TestMain and Run from a test.
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

// Timeout is how long a test waits for an expected result before it fails. It is much longer than any test takes.
const Timeout = 60 * time.Second

// Open connects a new client to the broker at addr.
type Open func(ctx context.Context, addr string, log *slog.Logger) (event.Bus, error)

// Driver describes a driver and its broker.
type Driver struct {
	// Addr is the broker's address for Open. The subscriber process that a test starts connects to it too.
	Addr string
	// Open connects a client.
	Open Open
	// Send sends a message as another producer would: with exactly these headers, without a key, always to the same partition.
	Send func(ctx context.Context, addr, topic string, headers map[string]string, body []byte) error
	// Oversize is the size in bytes of a body that fits into the topic but not into a dead letter. The body is one repeated
	// letter. Send and Replay must accept it.
	Oversize int
	// Purge deletes all events of the topic, as if their retention had ended.
	Purge func(ctx context.Context, addr, topic string) error
	// Outage is how long a handler's dependency is unavailable in a test. It must be longer than the time after which the
	// broker reassigns the events of an unresponsive member.
	Outage time.Duration
	// Partitions and Replication configure the topics that the suite creates.
	Partitions, Replication int
}

// Run runs the suite. The tests run in parallel, and each test has its own topics and groups.
func Run(t *testing.T, d Driver) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"lag and observer":                              testLag,
		"ping":                                          testPing,
		"describe":                                      testDescribe,
		"attributes survive the round trip":             testRoundTrip,
		"large event":                                   testLarge,
		"message without headers":                       testBareMessage,
		"foreign producers":                             testForeignProducers,
		"malformed message":                             testMalformed,
		"event published twice":                         testDuplicate,
		"invalid events are refused":                    testRefused,
		"existing topics are kept":                      testTopics,
		"subscription before the topic":                 testSubscribeFirst,
		"groups see all events":                         testGroups,
		"order per key":                                 testOrder,
		"order during rebalances":                       testRebalance,
		"slow key does not block others":                testSlowKey,
		"retry until success":                           testRetry,
		"permanent error":                               testPermanent,
		"attempts exhausted":                            testExhausted,
		"panic counts as an error":                      testPanic,
		"stop during a handler":                         testStopDuringHandler,
		"stop between attempts":                         testStopBetweenAttempts,
		"stop during an outage":                         testStopDuringOutage,
		"dependency unavailable":                        testOutage,
		"dependency unavailable for too long":           testOutageTimeout,
		"process killed during a handler":               testKilled,
		"close with running subscriptions":              testClose,
		"replay":                                        testReplay,
		"replay of a message without headers":           testReplayBareMessage,
		"replay of a malformed message":                 testReplayMalformed,
		"replay of a large message":                     testReplayLarge,
		"truncated dead letter":                         testTruncated,
		"truncated dead letter of a structured message": testTruncatedStructured,
		"replay of a deleted event":                     testReplayDeleted,
		"replay of invalid dead letters":                testReplayInvalid,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, d))
		})
	}
}

// fixture holds the topic and the client of one test.
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

// open returns a new client, which is closed at the end of the test.
func (f *fixture) open(t *testing.T) event.Bus {
	t.Helper()
	bus, err := f.driver.Open(t.Context(), f.driver.Addr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// event returns a new event in the fixture's topic. n is the number of the event among the events of its key.
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

// publish publishes events and fails the test on an error.
func (f *fixture) publish(t *testing.T, events ...event.Event) {
	t.Helper()
	if err := f.bus.Publish(deadline(t), events...); err != nil {
		t.Fatal(err)
	}
}

// attempts is the maximum number of attempts of the suite's subscriptions.
const attempts = 4

// subscribe starts a member of the group on bus, with short delays between attempts. See start for stop.
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

// group returns the name of a group that only this test uses.
func (f *fixture) group(name string) string { return name + "-" + f.topic }

// start starts the subscription. stop ends the subscription and waits for it. It is also called at the end of the test.
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
				t.Errorf("subscription of group %s returned error %v", s.Group, err)
			}
		case <-time.After(Timeout):
			t.Errorf("subscription of group %s did not end", s.Group)
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

// checkDepth reports a test error if the number of dead letters that were not replayed is not want.
func (f *fixture) checkDepth(t *testing.T, want int64) {
	t.Helper()
	got, err := f.bus.Depth(deadline(t), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("Depth = %d, want %d", got, want)
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	t.Cleanup(cancel)
	return ctx
}

// checkReason reports a test error if the reason of a dead letter does not contain want.
func checkReason(t *testing.T, d event.DeadLetter, want string) {
	t.Helper()
	if !strings.Contains(d.Reason, want) {
		t.Errorf("reason is %q, want a text with %q", d.Reason, want)
	}
}
