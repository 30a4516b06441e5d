// Package kafkacluster runs three real Kafka brokers for tests. Each is a Java process that a test can kill and restart. It
// needs Java and a directory with Kafka's jars, which scripts/kafka/fetch.sh downloads.
package kafkacluster

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// LibsEnv is the environment variable with the directory of Kafka's jars.
const LibsEnv = "LOYALTY_TEST_KAFKA_LIBS"

// size is the number of brokers: the minimum that tolerates the loss of one.
const size = 3

// logLevel is the brokers' log level. Their logs are printed if they do not become ready.
const logLevel = "warn"

// retryTimeout limits how long retry waits, for example until the brokers have started or a partition has a leader.
const retryTimeout = 2 * time.Minute

// Cluster is a cluster of three brokers, which are also the controllers. It is not safe for concurrent use.
type Cluster struct {
	libs  string
	nodes []*node
	// passwords has the password of each user of a secured cluster. It is nil if the brokers require no user.
	passwords map[string]string
}

// node is a broker.
type node struct {
	id      int
	dir     string
	addr    string
	config  string
	process *testproc.Process
}

// Start runs a cluster until the end of the test. Without LibsEnv it skips the test; in CI it fails the test.
func Start(t testing.TB) *Cluster {
	t.Helper()
	return run(t, &Cluster{})
}

// StartSecured is Start for brokers that require a SCRAM-SHA-512 user and allow a user only what an ACL allows. Admin is the
// only user at first, and may do everything.
func StartSecured(t testing.TB) *Cluster {
	t.Helper()
	return run(t, &Cluster{passwords: map[string]string{Admin: AdminPassword}})
}

// run runs c, a cluster without brokers.
func run(t testing.TB, c *Cluster) *Cluster {
	t.Helper()
	libs := os.Getenv(LibsEnv)
	switch {
	case libs != "":
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not set: CI must run the tests with real brokers", LibsEnv)
	default:
		t.Skipf("%s is not set: real brokers are not available (scripts/kafka/fetch.sh downloads them)", LibsEnv)
	}
	c.libs = libs
	c.configure(t)
	c.format(t)
	for id := range size {
		c.start(t, id)
	}
	t.Cleanup(func() {
		for id := range size {
			c.Kill(id)
		}
	})
	c.waitForBrokers(t, size)
	return c
}

// Brokers returns the addresses of all brokers.
func (c *Cluster) Brokers() []string {
	var addrs []string
	for _, n := range c.nodes {
		addrs = append(addrs, n.addr)
	}
	return addrs
}

// Kill kills a broker with SIGKILL and waits until it has exited. It does nothing if the broker is not running.
func (c *Cluster) Kill(id int) { c.nodes[id].process.Kill() }

// Freeze suspends all brokers: their connections stay open, but they do not answer.
func (c *Cluster) Freeze(t testing.TB) {
	t.Helper()
	for _, n := range c.nodes {
		n.process.Freeze(t)
	}
}

// Thaw continues all brokers after Freeze.
func (c *Cluster) Thaw(t testing.TB) {
	t.Helper()
	for _, n := range c.nodes {
		n.process.Thaw(t)
	}
}

// Restart starts a killed broker and waits until all brokers are members of the cluster.
func (c *Cluster) Restart(t testing.TB, id int) {
	t.Helper()
	c.start(t, id)
	c.waitForBrokers(t, size)
}

// Leader returns the id of the broker that leads a partition. It waits until the partition has a leader.
func (c *Cluster) Leader(t testing.TB, topic string, partition int32) int {
	t.Helper()
	var leader int32 = -1
	c.retry(t, Admin, func(ctx context.Context, admin *kadm.Client) error {
		topics, err := admin.ListTopics(ctx, topic)
		if err = errors.Join(err, topics.Error()); err != nil {
			return err
		}
		if leader = topics[topic].Partitions[partition].Leader; leader < 0 {
			return errors.New("partition has no leader")
		}
		return nil
	})
	return int(leader)
}

// configure chooses ports and writes the brokers' configuration files.
func (c *Cluster) configure(t testing.TB) {
	t.Helper()
	ports := testproc.FreePorts(t, 2*size)
	var voters []string
	for id := range size {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", id, ports[size+id]))
	}
	for id := range size {
		n := &node{id: id, dir: t.TempDir(), addr: fmt.Sprintf("127.0.0.1:%d", ports[id])}
		n.config = filepath.Join(n.dir, "server.properties")
		text := strings.Join([]string{
			"process.roles=broker,controller",
			fmt.Sprintf("node.id=%d", id),
			"controller.quorum.voters=" + strings.Join(voters, ","),
			fmt.Sprintf("listeners=PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", n.addr, ports[size+id]),
			"advertised.listeners=PLAINTEXT://" + n.addr,
			"controller.listener.names=CONTROLLER",
			"log.dirs=" + filepath.Join(n.dir, "data"),
			"auto.create.topics.enable=false",
			"offsets.topic.replication.factor=3",
			"offsets.topic.num.partitions=3",
			"transaction.state.log.replication.factor=3",
			"transaction.state.log.min.isr=2",
			"group.initial.rebalance.delay.ms=0",
			// For a fast recovery from a kill, as in deploy/docker/kafka/server.properties.
			"broker.session.timeout.ms=2500",
			"broker.heartbeat.interval.ms=500",
			"controller.quorum.fetch.timeout.ms=1500",
			"controller.quorum.election.timeout.ms=500",
			"group.min.session.timeout.ms=3000",
			"",
		}, "\n")
		if c.passwords != nil {
			text += securedConfig(n.addr, ports[size+id])
		}
		if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
	}
}

// format formats the brokers' directories concurrently, because starting Java takes most of the time.
func (c *Cluster) format(t testing.TB) {
	t.Helper()
	id := uuid.New()
	clusterID := base64.RawURLEncoding.EncodeToString(id[:])
	var formatting sync.WaitGroup
	for _, n := range c.nodes {
		formatting.Go(func() {
			// The option and the id are one argument, because an id may begin with "-".
			args := []string{"-cp", c.libs + "/*", "kafka.tools.StorageTool", "format", "--cluster-id=" + clusterID, "-c", n.config}
			if c.passwords != nil {
				args = append(args, "--add-scram", "SCRAM-SHA-512=[name="+Admin+",password="+AdminPassword+"]")
			}
			cmd := exec.CommandContext(t.Context(), "java", args...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("format broker %d: %v\n%s", n.id, err, out)
			}
		})
	}
	formatting.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// start starts a broker. It does not wait until the broker is ready.
func (c *Cluster) start(t testing.TB, id int) {
	t.Helper()
	n := c.nodes[id]
	n.process = testproc.Start(t, exec.Command("java", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel="+logLevel,
		"-cp", c.libs+"/*", "kafka.Kafka", n.config), syscall.SIGKILL)
}

// waitForBrokers waits until the cluster has the given number of members.
func (c *Cluster) waitForBrokers(t testing.TB, brokers int) {
	t.Helper()
	c.retry(t, Admin, func(ctx context.Context, admin *kadm.Client) error {
		metadata, err := admin.BrokerMetadata(ctx)
		if err == nil && len(metadata.Brokers) != brokers {
			err = fmt.Errorf("%d brokers have joined", len(metadata.Brokers))
		}
		return err
	})
}

// retry is retryClient for administrative requests.
func (c *Cluster) retry(t testing.TB, user string, request func(context.Context, *kadm.Client) error) {
	t.Helper()
	c.retryClient(t, user, func(ctx context.Context, client *kgo.Client) error { return request(ctx, kadm.NewClient(client)) })
}

// retryClient calls request until it succeeds, each time with a new client of a user: clients cache the brokers and leaders.
func (c *Cluster) retryClient(t testing.TB, user string, request func(context.Context, *kgo.Client) error) {
	t.Helper()
	policy := backoff.Policy{Initial: 200 * time.Millisecond, Timeout: retryTimeout}
	err := backoff.Retry(t.Context(), policy, func(ctx context.Context) error {
		options := []kgo.Opt{kgo.SeedBrokers(c.Brokers()...)}
		if c.passwords != nil {
			options = append(options, kgo.SASL(Mechanism(user, c.passwords[user])))
		}
		client, err := kgo.NewClient(options...)
		if err != nil {
			return backoff.Permanent(err)
		}
		defer client.Close()
		return request(ctx, client)
	})
	if err == nil {
		return
	}
	for _, n := range c.nodes {
		t.Logf("broker %d: %s", n.id, n.process.Output())
	}
	t.Fatalf("a request of the user %q failed for %s: %v", user, retryTimeout, err)
}
