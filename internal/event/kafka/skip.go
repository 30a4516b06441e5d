package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// skipLater makes the worker skip the next batch of its partition, which is too large, after it has handled the records
// before it. The partition is not fetched until then.
func (w *worker) skipLater() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.skipping {
		return
	}
	w.skipping = true
	if !w.paused {
		w.paused = true
		w.consumer.client.PauseFetchPartitions(w.partition)
	}
	w.queue = append(w.queue, w.tooLarge)
	w.signal()
}

// skip writes a dead letter for a batch that is too large, commits the offset after it, and resumes the partition there. It
// reports false if the worker is stopped first.
func (w *worker) skip() bool {
	batch, found, err := w.findTooLarge()
	if err != nil {
		return false
	}
	client := w.consumer.client
	if found {
		r := &kgo.Record{
			Topic: batch.Topic, Partition: batch.Partition, Offset: batch.Offset, LeaderEpoch: batch.Epoch, Timestamp: time.Now(),
		}
		e, _ := decode(r)
		reason := fmt.Errorf("records at the offsets %d to %d: %w", batch.Offset, batch.NextOffset-1, errBatchTooLarge)
		if !w.storeDeadLetter(r, e, &event.UndeliverableError{Err: reason}, event.NoData) {
			return false
		}
		r.Offset = batch.NextOffset - 1
		w.finish(r)
		// SetOffsets does not commit: the client then considers the new offset as committed.
		ctx, cancel := context.WithTimeout(w.handling, commitTimeout)
		defer cancel()
		if err := client.CommitMarkedOffsets(ctx); err != nil {
			w.consumer.bus.outages.failed(w.log, slog.LevelWarn, "commit failed, a batch may be skipped again",
				"error", w.consumer.bus.explain(err))
		}
		client.SetOffsets(map[string]map[int32]kgo.EpochOffset{batch.Topic: {batch.Partition: w.position}})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipping, w.paused = false, false
	client.ResumeFetchPartitions(w.partition)
	return true
}

// findTooLarge returns the offsets of the batch at the worker's position. It reports false if the batch is not too large. It
// returns an error if the worker is stopped.
func (w *worker) findTooLarge() (batch *kgo.ErrDecompressTooLarge, found bool, err error) {
	bus := w.consumer.bus
	at := kgo.NewOffset().AtStart()
	if w.position.Offset > 0 {
		at = kgo.NewOffset().At(w.position.Offset)
	} else if committed, ok := w.consumer.client.CommittedOffsets()[w.consumer.sub.Topic][w.number]; ok {
		at = kgo.NewOffset().At(committed.Offset)
	}
	client, err := bus.newClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{w.consumer.sub.Topic: {w.number: at}}),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.WithDecompressor(bus.newDecompressor(kgo.ErrMaxDecompress)),
	)
	if err != nil {
		return nil, false, err
	}
	defer client.Close()
	for {
		fetches := client.PollRecords(w.stopping, 1)
		if err := w.stopping.Err(); err != nil {
			return nil, false, err
		}
		err := fetches.Err()
		if batch, found = errors.AsType[*kgo.ErrDecompressTooLarge](err); found || fetches.NumRecords() > 0 {
			return batch, found, nil
		}
		bus.outages.failed(w.log, slog.LevelWarn, "fetch failed, retrying", "error", bus.explain(err))
	}
}
