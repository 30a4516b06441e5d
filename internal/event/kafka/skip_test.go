package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
)

// TestBatchesThatAreTooLarge writes batches that are small, but too large after decompression. Each becomes one dead letter
// without its content, and all other records are handled once, in order.
func TestBatchesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		batches [][]string // the bodies of the records of each batch
		letters []string   // the records that dead letters name
	}{
		"a large record, first": {[][]string{{zeros(64)}, {"good"}}, []string{"0 to 0:"}},
		"several large records": {
			[][]string{{"good"}, {zeros(6), zeros(6), "lost"}, {"good"}, {zeros(9)}, {zeros(10)}, {"good"}},
			[]string{"1 to 3:", "5 to 5:", "6 to 6:"},
		},
		"many small records":      {[][]string{{"good"}, slicesOf(100_000), {"good"}}, []string{"1 to 100000:"}},
		"a full queue, then one":  {[][]string{slicesOf(1000), {zeros(9)}, slicesOf(1000)}, []string{"1000 to 1000:"}},
		"a large fetch":           {[][]string{{zeros(6)}, {zeros(6)}, {zeros(6)}, {zeros(6)}, {zeros(6)}, {zeros(6)}, {zeros(6)}, {"good"}}, nil},
		"the last one of a topic": {[][]string{{"good"}, {zeros(9)}}, []string{"1 to 1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			brokers := startFake(t)
			bus := newBus(t, kafka.Config{Brokers: brokers})
			if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
				t.Fatal(err)
			}
			records := 0
			for _, batch := range tt.batches {
				sendBatch(t, brokers, batch)
				records += len(batch)
			}
			for _, letter := range tt.letters {
				var first, last int
				if _, err := fmt.Sscanf(letter, "%d to %d:", &first, &last); err != nil {
					t.Fatal(err)
				}
				records -= last - first + 1
			}
			rec := eventtest.NewRecorder()
			fixed, stop := subscribe(t, bus, rec)
			fixed.Store(true)
			rec.Wait(t, records)
			var letters []event.DeadLetter
			for len(letters) < len(tt.letters) && rec.Distinct() == records && !t.Failed() {
				letters = nil
				if err := bus.DeadLetters(t.Context(), "t", func(d event.DeadLetter) error {
					letters = append(letters, d)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			if len(letters) < len(tt.letters) {
				t.Errorf("%d records were handled, want %d", rec.Distinct(), records)
			}
			for i, letter := range letters {
				if i >= len(tt.letters) || !strings.Contains(letter.Reason, " "+tt.letters[i]) || !letter.Truncated {
					t.Errorf("dead letter %d: got %q, truncated %t, want %q", i, letter.Reason, letter.Truncated, tt.letters)
				}
			}
			stop()
			_, stop = subscribe(t, bus, rec) // all records are finished
			sendBatch(t, brokers, []string{"good"})
			rec.Wait(t, records+1)
			stop()
			if got := len(rec.Seen()); got != records+1 {
				t.Errorf("%d records were handled, want %d", got, records+1)
			}
			if n, err := bus.Replay(t.Context(), "t"); n != 0 || len(tt.letters) > 0 && !errors.Is(err, event.ErrTooLarge) {
				t.Errorf("Replay = %d, %v; want 0 and ErrTooLarge for each dead letter", n, err)
			}
			if n, err := bus.Depth(t.Context(), "t"); n != int64(len(tt.letters)) || err != nil {
				t.Errorf("got %d dead letters, %v; want %d", n, err, len(tt.letters))
			}
		})
	}
}

// zeros returns a body of MiB that can be compressed to almost nothing.
func zeros(mib int) string { return strings.Repeat("0", mib<<20) }

// slicesOf returns small bodies.
func slicesOf(n int) []string { return strings.Fields(strings.Repeat("good ", n)) }

// sendBatch writes records as one compressed batch.
func sendBatch(t *testing.T, brokers, bodies []string) {
	t.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.ProducerBatchMaxBytes(128<<20),
		kgo.BrokerMaxWriteBytes(256<<20),
		kgo.MaxBufferedRecords(1<<20),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ManualFlushing(),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, body := range bodies {
		client.Produce(t.Context(), &kgo.Record{Topic: "t", Value: []byte(body)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
