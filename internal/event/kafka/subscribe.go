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

// pollRecords bounds how much one poll hands out. Together with the watermarks of a partition it bounds memory.
const pollRecords = 256

// consumer is one member of a group on one topic. The poll loop hands records to a worker for each partition; the
// rebalance callbacks start and stop workers. Polls and callbacks never overlap (BlockRebalanceOnPoll), so a record
// always reaches the worker of the assignment that it was fetched for.
type consumer struct {
	bus    *Bus
	sub    event.Subscription
	life   context.Context // of the subscription, whose end workers are told of otherwise
	log    *slog.Logger
	client *kgo.Client

	mu      sync.Mutex
	workers map[int32]*worker
}

// Subscribe joins the group. A new group starts with the earliest record that the topic still has. Each partition is
// handled by a goroutine of its own, one record after the other; progress is stored at least every second, and when a
// partition moves to another member after its handler finished. It survives brokers and topics that are not there yet.
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
		bus: b, sub: s, life: context.WithoutCancel(ctx), log: b.log.With("group", s.Group, "topic", s.Topic),
		workers: make(map[int32]*worker),
	}
	// Not ctx: after it ends, what was finished is still committed and the group is left.
	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	options := []kgo.Opt{
		kgo.WithContext(session),
		kgo.ConsumerGroup(groupID(s)),
		kgo.ConsumeTopics(s.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(b.cfg.SessionTimeout),
		kgo.HeartbeatInterval(b.cfg.SessionTimeout / 4),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(commitInterval),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(c.assigned),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.lost),
		// The client also writes the dead letters, which may be larger than what it read.
		kgo.ProducerBatchMaxBytes(deadLetterMaxBytes - (64 << 10)),
	}
	if b.cfg.Instance != "" {
		options = append(options, kgo.InstanceID(b.cfg.Instance))
	}
	c.client, err = b.newClient(options...)
	if err != nil {
		return err
	}
	c.poll(ctx)
	// Leaving the group revokes every partition: that stops the workers and commits what they finished.
	// A client that is about to join waits for the others; it is cut off when they take longer than handlers may.
	leave := b.cfg.Grace + leaveTimeout
	if end, told := lifecycle.Deadline(ctx); told {
		leave = min(leave, time.Until(end))
	}
	late := time.AfterFunc(leave, cancel)
	defer late.Stop()
	c.client.CloseAllowingRebalance()
	return nil
}

// groupID names the group on the brokers. Each topic has a group of its own, so that its members come and go without
// halting what the same service reads elsewhere.
func groupID(s event.Subscription) string { return s.Group + "." + s.Topic }

// poll hands out records until ctx ends. It never waits for a worker.
func (c *consumer) poll(ctx context.Context) {
	for {
		fetches := c.client.PollRecords(ctx, pollRecords)
		if ctx.Err() != nil {
			return
		}
		fetches.EachError(func(_ string, partition int32, err error) {
			c.log.Warn("cannot fetch, trying again", "partition", partition, "error", err)
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

func (c *consumer) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, partition := range assigned[c.sub.Topic] {
		c.workers[partition] = c.start(partition)
	}
}

// revoked stops the workers of the partitions that are going to move, and keeps them until what they finished is stored.
func (c *consumer) revoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	c.stop(revoked[c.sub.Topic], func(w *worker) { w.stop() })
	// Not with the callback's context, which has ended when the client is closing.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := c.client.CommitMarkedOffsets(ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.log.Warn("progress was not stored, some events will be delivered again", "error", err)
	}
}

// lost stops the workers of the partitions that are no longer ours: another member may have them already.
func (c *consumer) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	c.stop(lost[c.sub.Topic], func(w *worker) { w.abort() })
}

func (c *consumer) stop(partitions []int32, how func(*worker)) {
	c.mu.Lock()
	var stopping []*worker
	for _, partition := range partitions {
		if w := c.workers[partition]; w != nil {
			how(w)
			stopping = append(stopping, w)
			delete(c.workers, partition)
		}
	}
	c.mu.Unlock()
	for _, w := range stopping {
		<-w.done
	}
}
