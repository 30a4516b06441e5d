package eventtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// subscriberEnv is an environment variable that makes Main run a subscriber, which a test kills. Its value is "address topic
// group".
const subscriberEnv = "EVENTTEST_SUBSCRIBER"

// Main runs the tests of a driver's test package. In a process that the suite started, it runs a subscriber instead.
func Main(m *testing.M, open Open) {
	if v := os.Getenv(subscriberEnv); v != "" {
		if err := runSubscriber(v, open, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runSubscriber subscribes and prints the ID of each event. Its handler blocks forever on the second event.
func runSubscriber(args string, open Open, out io.Writer) error {
	fields := strings.Fields(args)
	if len(fields) != 3 {
		return fmt.Errorf("%s is %q, want three fields", subscriberEnv, args)
	}
	bus, err := open(context.Background(), fields[0], slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return bus.Subscribe(context.Background(), event.Subscription{
		Group: fields[2],
		Topic: fields[1],
		Handler: func(_ context.Context, e event.Event) error {
			fmt.Fprintln(out, e.ID)
			if n, _ := number(e.ID); n == 1 {
				select {}
			}
			return nil
		},
	})
}

func testKilled(t *testing.T, f *fixture) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", subscriberEnv, f.driver.Addr, f.topic, f.group("g")))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const n = 4
	for i := range n {
		f.publish(t, f.event("k", i))
	}
	lines := bufio.NewScanner(out)
	for range 2 {
		if !lines.Scan() {
			t.Errorf("the subscriber ended before it was killed: %v", lines.Err())
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the subscriber was not killed")
	}

	// The first event is delivered again unless its progress was stored before the kill. The second event must be delivered
	// again.
	rec := NewRecorder()
	f.subscribe(t, f.bus, "g", func(_ context.Context, e event.Event) error {
		rec.mu.Lock()
		if n, _ := number(e.ID); n == 1 && rec.next[e.Key] == 0 {
			rec.next[e.Key] = 1
			rec.count["the first event, handled by the killed process"]++
		}
		rec.mu.Unlock()
		rec.record(e)
		return nil
	})
	rec.Wait(t, n)
	rec.Check(t)
}

// testStopDuringHandler stops a member while it is handling an event and another member is ready.
func testStopDuringHandler(t *testing.T, f *fixture) {
	rec := NewRecorder()
	handling := make(chan int, 10)
	member := func(i int) event.Handler {
		return func(ctx context.Context, e event.Event) error {
			defer rec.Enter(e)()
			if n, _ := number(e.ID); n == 0 {
				handling <- i
				// Leave time for an incorrect delivery to the other member.
				_ = backoff.Sleep(ctx, 2*time.Second)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return rec.Handle(ctx, e)
		}
	}
	stop := []func(){
		f.subscribe(t, f.open(t), "g", member(0)),
		f.subscribe(t, f.open(t), "g", member(1)),
	}
	f.publish(t, f.event("k", 0), f.event("k", 1))
	stop[<-handling]()
	if rec.Distinct() == 0 {
		t.Error("Subscribe returned before the handler")
	}
	rec.Wait(t, 2)
	rec.Check(t)
	if got := len(rec.Seen()); got != 2 {
		t.Errorf("%d deliveries of 2 events, want 2", got)
	}
}

func testClose(t *testing.T, f *fixture) {
	bus := f.open(t)
	rec := NewRecorder()
	ended := make(chan error, 1)
	go func() {
		ended <- bus.Subscribe(context.Background(), event.Subscription{Group: f.group("g"), Topic: f.topic, Handler: rec.Handle})
	}()
	f.publish(t, f.event("k", 0))
	rec.Wait(t, 1)
	bus.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Subscribe returned %v", err)
		}
	case <-deadline(t).Done():
		t.Error("Subscribe did not return after Close")
	}
	bus.Close() // a second call has no effect
	if err := bus.Subscribe(t.Context(), event.Subscription{Group: "g", Topic: f.topic, Handler: rec.Handle}); err == nil {
		t.Error("Subscribe on a closed bus returned no error")
	}
	if err := bus.Publish(deadline(t), f.event("k", 1)); err == nil {
		t.Error("Publish on a closed bus returned no error")
	}
}
