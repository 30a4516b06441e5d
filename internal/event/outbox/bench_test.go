package outbox_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// countingBus is a fake bus that reports the size of each batch.
type countingBus struct{ published chan int }

func (c countingBus) Publish(_ context.Context, events ...event.Event) error {
	c.published <- len(events)
	return nil
}

// BenchmarkRelayBacklog measures how many events per second one relay reads and deletes with a fake bus.
func BenchmarkRelayBacklog(b *testing.B) {
	pool := newPool(b)
	const chunk = 1000
	payload := make([]byte, 200)
	for n := 0; n < b.N; n += chunk {
		events := make([]event.Event, min(chunk, b.N-n))
		for i := range events {
			events[i] = newEvent(string(rune('a' + i%26)))
			events[i].Data = payload
		}
		err := postgres.InTx(b.Context(), pool, func(tx pgx.Tx) error { return outbox.Append(b.Context(), tx, events...) })
		if err != nil {
			b.Fatal(err)
		}
	}
	c := countingBus{make(chan int)}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	b.ResetTimer()
	go func() { done <- outbox.NewRelay(pool, c, discardLog(), outbox.Options{}).Run(ctx) }()
	for n := 0; n < b.N; {
		n += <-c.published
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// BenchmarkRelayLatency measures the time from a commit to the publication, one event at a time.
func BenchmarkRelayLatency(b *testing.B) {
	pool := newPool(b)
	c := countingBus{make(chan int)}
	r := outbox.NewRelay(pool, c, discardLog(), outbox.Options{})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for b.Loop() {
		b.StopTimer()
		if err := outbox.Append(b.Context(), pool, newEvent("k")); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		r.Wake()
		<-c.published
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
