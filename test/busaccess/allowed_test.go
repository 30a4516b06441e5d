package busaccess_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/check"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
)

// timeout limits one operation of a test.
const timeout = 2 * time.Minute

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// testAllowed creates the topics as the operator. Then each service publishes, consumes and writes dead letters as its user,
// and the operator replays the dead letters.
func testAllowed(t *testing.T, all []access, open func(t *testing.T, user string) event.Bus) {
	t.Helper()
	op := open(t, operator)
	if err := op.EnsureTopics(deadline(t), 3, 1, topics.All()...); err != nil {
		t.Fatal(err)
	}
	buses := map[string]event.Bus{}
	for _, s := range all {
		buses[s.service] = open(t, s.user())
	}
	for _, s := range all {
		bus := buses[s.service]
		t.Run(s.service+" starts", func(t *testing.T) {
			if err := bus.Ping(deadline(t)); err != nil {
				t.Error(err)
			}
			if err := bus.EnsureTopics(deadline(t), 3, 1, topics.All()...); err != nil { // as a service that starts
				t.Error(err)
			}
			bus := check.Bus{Name: "the bus", Topics: topics.All(), Replication: 1, Open: func(context.Context) (event.Bus, error) {
				return open(t, s.user()), nil
			}}
			findings := check.Run(t.Context(), timeout, check.Check{Subject: bus.Name, Run: bus.Run})
			if check.Count(findings, check.Fail) > 0 || check.Count(findings, check.OK) == 0 {
				t.Errorf("loyalty check as %s finds %+v", s.user(), findings)
			}
		})
		for _, topic := range s.consumes {
			t.Run(s.service+" consumes "+topic, func(t *testing.T) {
				i := slices.IndexFunc(all, func(p access) bool { return slices.Contains(p.produces, topic) })
				if i < 0 {
					t.Fatalf("no service publishes %s", topic)
				}
				testTopic(t, buses[all[i].service], bus, op, s.service, topic)
			})
		}
	}
}

// testTopic publishes two events with producer. The consumer handles the first. The second becomes a dead letter, and the
// operator replays it.
func testTopic(t *testing.T, producer, consumer, op event.Bus, group, topic string) {
	t.Helper()
	good, bad := testEvent(topic), testEvent(topic)
	if err := producer.Publish(deadline(t), good, bad); err != nil {
		t.Fatal(err)
	}
	handled := make(chan string, 10)
	refuse := true
	var mu sync.Mutex
	ctx, stop := context.WithCancel(deadline(t))
	var running sync.WaitGroup
	running.Go(func() {
		err := consumer.Subscribe(ctx, event.Subscription{Group: group, Topic: topic, Handler: func(_ context.Context, e event.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if e.ID == bad.ID && refuse {
				refuse = false
				handled <- "refused " + e.ID
				return event.Permanent(errors.New("refused"))
			}
			handled <- e.ID
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	want := func(ids ...string) {
		t.Helper()
		for range ids {
			select {
			case id := <-handled:
				if !slices.Contains(ids, id) {
					t.Errorf("handled %s, want one of %s", id, ids)
				}
			case <-ctx.Done():
				t.Fatalf("events were not handled, want %s", ids)
			}
		}
	}
	want(good.ID, "refused "+bad.ID)
	waitFor(ctx, t, "lag of "+topic, 0, func() (int64, error) { return consumer.Lag(ctx, group, topic) })
	waitFor(ctx, t, "dead letters of "+topic, 1, func() (int64, error) { return consumer.Depth(ctx, topic) })
	waitFor(ctx, t, "dead letters of "+topic+" as the operator", 1, func() (n int64, err error) {
		depth, err := op.Depth(ctx, topic) // as loyalty verify
		if err != nil || depth != 1 {
			return depth, err
		}
		err = op.DeadLetters(ctx, topic, func(d event.DeadLetter) error {
			if d.Event.ID == bad.ID {
				n++
			}
			return nil
		})
		return n, err
	})
	if n, err := op.Replay(ctx, topic); n != 1 || err != nil {
		t.Fatalf("Replay = %d, %v; want 1", n, err)
	}
	want(bad.ID)
	waitFor(ctx, t, "dead letters of "+topic, 0, func() (int64, error) { return consumer.Depth(ctx, topic) })
}

// waitFor calls get until it returns want.
func waitFor(ctx context.Context, t *testing.T, what string, want int64, get func() (int64, error)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := get()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %d, want %d", what, n, want)
		}
	}
}

func testEvent(topic string) event.Event {
	return event.Event{ID: uuid.NewString(), Source: "/test", Type: "t", Topic: topic, Key: uuid.NewString(), Time: time.Now()}
}
