package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
)

// storedBeforeCommit kills the consumer as soon as the notification is stored. It repeats this with further promotions
// until the committed offset shows that the kill came first.
func storedBeforeCommit(p *point) {
	db := p.database("notifications")
	p.killConsumer(func() error {
		var n int
		err := db.QueryRow(p.t.Context(), "SELECT count(*) FROM notifications WHERE user_id = $1", p.player.id).Scan(&n)
		if err == nil && n < p.assigned {
			err = fmt.Errorf("%d of %d", n, p.assigned)
		}
		return err
	})
}

// pushedBeforeCommit does the same as storedBeforeCommit, but kills the consumer when the frame arrives on the socket.
func pushedBeforeCommit(p *point) { p.killConsumer(p.notified) }

// killConsumer assigns a promotion and kills the consumer of its event when reached returns nil. It tries again if the
// consumer has committed the offset before.
func (p *point) killConsumer(reached func() error) {
	t := p.t
	t.Helper()
	const topic, group = "notifications", "notifications.notifications"
	client, err := kgo.NewClient(kgo.SeedBrokers(p.kafka.Brokers()...),
		kgo.SASL(kafkacluster.Mechanism(kafkacluster.Admin, kafkacluster.AdminPassword)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for attempt := 1; attempt <= 20; attempt++ {
		promotion := newPromotion(p.staff, "BONUS", "1.00").text("id")
		topics, err := admin.ListTopics(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		record := &kgo.Record{Topic: topic, Key: []byte(p.player.id)}
		partition := int32(kgo.StickyKeyPartitioner(nil).ForTopic(topic).Partition(record, len(topics[topic].Partitions)))
		owner := p.owner(admin, group, topic, partition)
		p.assigned++
		assign(p.staff, promotion, p.player)
		spin(t, reached)
		p.stack.kill(owner)
		ends, err := admin.ListEndOffsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := admin.FetchOffsets(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		end, _ := ends.Lookup(topic, partition)
		offset, _ := committed.Lookup(topic, partition)
		if offset.At < end.Offset {
			t.Logf("attempt %d: the topic ends at %d, committed is %d", attempt, end.Offset, offset.At)
			p.killed = owner
			return
		}
		p.launch(owner)
		p.awaitReplica(owner)
	}
}

// spin calls check without a pause until it returns nil: the kill must follow at once.
func spin(t *testing.T, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// owner returns the replica that consumes a partition.
func (p *point) owner(admin *kadm.Client, group, topic string, partition int32) (name string) {
	p.t.Helper()
	eventually(p.t, "the partition has an owner", func() error {
		groups, err := admin.DescribeGroups(p.t.Context(), group)
		if err != nil {
			return err
		}
		for _, m := range groups[group].Members {
			assigned, ok := m.Assigned.AsConsumer()
			if !ok || m.InstanceID == nil {
				continue
			}
			for _, t := range assigned.Topics {
				for _, n := range t.Partitions {
					if t.Topic == topic && n == partition {
						name = *m.InstanceID
						return nil
					}
				}
			}
		}
		return fmt.Errorf("no member of %v", groups[group].Members)
	})
	return name
}
