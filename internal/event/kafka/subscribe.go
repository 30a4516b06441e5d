package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// pollRecords is the maximum number of records of one poll. Together with the queue limits of the workers and those of
// compressed batches, it limits the memory.
const pollRecords = 256

// consumer is a member of a group on one topic. The poll loop passes records to one worker per partition. The rebalance
// callbacks start and stop the workers. Polls and callbacks never overlap (BlockRebalanceOnPoll), so a worker receives only
// records that were fetched during its assignment.
type consumer struct {
	bus    *Bus
	sub    event.Subscription
	base   context.Context // parent of the workers' contexts; it does not end with the subscription
	log    *slog.Logger
	client *kgo.Client
	memory *decompressor

	mu      sync.Mutex
	workers map[int32]*worker
}

// Subscribe joins the group. A new group starts with the topic's earliest record. Each partition has a goroutine that
// handles one record at a time. Offsets are committed every second, and before a partition moves to another member. If the
// brokers or the topic are not available yet, the client retries.
func (b *Bus) Subscribe(ctx context.Context, s event.Subscription) error {
	if err := s.Check(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	ctx, done, err := b.subscriptions.Begin(ctx)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer done()

	c := &consumer{
		bus: b, sub: s, base: context.WithoutCancel(ctx), log: b.log.With("group", s.Group, "topic", s.Topic),
		memory: b.newDecompressor(errBatchTooLarge), workers: make(map[int32]*worker),
	}
	// The client must outlive ctx, so that it can commit the finished records and leave the group.
	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if c.client, err = b.newClient(c.options(session)...); err != nil {
		return err
	}
	c.poll(ctx)
	// Leaving the group revokes every partition. This stops the workers and commits the finished records. A client that is
	// joining waits for the other members; the timer limits this wait.
	leave := b.cfg.Grace + leaveTimeout
	if end, ok := lifecycle.Deadline(ctx); ok {
		leave = min(leave, time.Until(end))
	}
	timer := time.AfterFunc(leave, cancel)
	defer timer.Stop()
	c.client.CloseAllowingRebalance()
	return nil
}

func (c *consumer) options(session context.Context) []kgo.Opt {
	cfg := c.bus.cfg
	options := []kgo.Opt{
		kgo.WithContext(session),
		kgo.ConsumerGroup(groupID(c.sub)),
		kgo.ConsumeTopics(c.sub.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(cfg.SessionTimeout),
		kgo.HeartbeatInterval(cfg.SessionTimeout / 4),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.WithDecompressor(c.memory),
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(commitInterval),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(c.onAssigned),
		kgo.OnPartitionsRevoked(c.onRevoked),
		kgo.OnPartitionsLost(c.onLost),
		// The client also writes dead letters, which can be larger than the received records.
		kgo.ProducerBatchMaxBytes(deadLetterMaxBytes - (64 << 10)),
	}
	if cfg.Instance != "" {
		options = append(options, kgo.InstanceID(cfg.Instance))
	}
	return options
}

// groupID returns the consumer group's name on the brokers. Each topic has its own consumer group, so a rebalance of one
// topic does not interrupt the service's other subscriptions.
func groupID(s event.Subscription) string { return s.Group + "." + s.Topic }

// poll passes records to the workers until ctx ends. It never waits for a worker.
func (c *consumer) poll(ctx context.Context) {
	for {
		fetches := c.client.PollRecords(ctx, pollRecords)
		if ctx.Err() != nil {
			return
		}
		c.memory.reset()
		fetches.EachError(func(_ string, partition int32, err error) {
			if errors.Is(err, errFetchTooLarge) {
				return
			}
			if errors.Is(err, errBatchTooLarge) {
				if w := c.worker(partition); w != nil {
					w.skipLater()
				}
				return
			}
			c.bus.outages.failed(c.log, slog.LevelWarn, "fetch failed, retrying", "partition", partition,
				"error", c.bus.explain(err))
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if w := c.worker(p.Partition); w != nil && len(p.Records) > 0 {
				w.push(p.Records)
			}
		})
		c.client.AllowRebalance()
	}
}

func (c *consumer) worker(partition int32) *worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers[partition]
}

// onAssigned starts a worker for each new partition.
func (c *consumer) onAssigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, partition := range assigned[c.sub.Topic] {
		c.workers[partition] = c.start(partition)
	}
}

// onRevoked stops the workers of partitions that are about to move, and commits their finished records.
func (c *consumer) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	c.stop(revoked[c.sub.Topic], func(w *worker) { w.stop() })
	// Use a new context, because the callback's context has already ended if the client is closing.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := c.client.CommitMarkedOffsets(ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.bus.outages.failed(c.log, slog.LevelWarn, "commit failed, some events will be delivered again",
			"error", c.bus.explain(err))
	}
}

// onLost aborts the workers of lost partitions. They may already be assigned to another member.
func (c *consumer) onLost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	c.stop(lost[c.sub.Topic], func(w *worker) { w.abort() })
}

// stop calls end for the workers of the partitions and waits for them.
func (c *consumer) stop(partitions []int32, end func(*worker)) {
	c.mu.Lock()
	var stopping []*worker
	for _, partition := range partitions {
		if w := c.workers[partition]; w != nil {
			end(w)
			stopping = append(stopping, w)
			delete(c.workers, partition)
		}
	}
	c.mu.Unlock()
	for _, w := range stopping {
		<-w.done
	}
}
