// Package kafkacluster runs three real Kafka brokers for tests, each a Java process that the test can kill and start
// again. It needs Java and a folder with the brokers' jars, see scripts/kafka/fetch.sh.
package kafkacluster

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// LibsEnv names the environment variable that holds the folder of the brokers' jars.
const LibsEnv = "LOYALTY_TEST_KAFKA_LIBS"

// size is how many brokers there are: the least that survive the loss of one.
const size = 3

// logLevel is that of the brokers, whose log is shown when they do not get ready.
const logLevel = "warn"

// patience is how long brokers may take to start.
const patience = 2 * time.Minute

// Cluster is three brokers, which are also the controllers. Its methods are for one goroutine at a time.
type Cluster struct {
	libs  string
	nodes []*node
}

// node is one broker. Its process is a shell that kills Java when its standard input closes; so no broker outlives the
// test, however that ends.
type node struct {
	id     int
	dir    string
	addr   string
	config string
	life   io.Closer
	ended  chan struct{}
}

// Start runs a cluster until the end of the test. Without the jars the test is skipped, and fails in CI.
func Start(t *testing.T) *Cluster {
	t.Helper()
	libs := os.Getenv(LibsEnv)
	switch {
	case libs != "":
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not set: CI must test against real brokers", LibsEnv)
	default:
		t.Skipf("%s is not set: no real brokers to test against (scripts/kafka/fetch.sh gets them)", LibsEnv)
	}
	c := &Cluster{libs: libs}
	c.layOut(t)
	c.format(t)
	for id := range size {
		c.start(t, id)
	}
	t.Cleanup(func() {
		for id := range size {
			c.Kill(id)
		}
	})
	c.await(t, size)
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

// Kill ends a broker as kill -9 does and waits until it is gone. A broker that does not run is left alone.
func (c *Cluster) Kill(id int) {
	n := c.nodes[id]
	if n.life == nil {
		return
	}
	_ = n.life.Close() // a pipe that the shell left is closed as well
	<-n.ended
	n.life = nil
}

// Restart starts a broker that was killed and waits until all brokers are members of the cluster.
func (c *Cluster) Restart(t *testing.T, id int) {
	t.Helper()
	c.start(t, id)
	c.await(t, size)
}

// Leader returns the number of the broker that leads a partition.
func (c *Cluster) Leader(t *testing.T, topic string, partition int32) int {
	t.Helper()
	var leader int32 = -1
	c.ask(t, func(ctx context.Context, admin *kadm.Client) error {
		topics, err := admin.ListTopics(ctx, topic)
		if err = errors.Join(err, topics.Error()); err != nil {
			return err
		}
		if leader = topics[topic].Partitions[partition].Leader; leader < 0 {
			return errors.New("the partition has no leader")
		}
		return nil
	})
	return int(leader)
}

// layOut chooses ports and writes the brokers' configurations.
func (c *Cluster) layOut(t *testing.T) {
	t.Helper()
	ports := freePorts(t, 2*size)
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
			// A broker that is gone loses its partitions after this, the default being nine seconds.
			"broker.session.timeout.ms=3000",
			"broker.heartbeat.interval.ms=500",
			"",
		}, "\n")
		if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
	}
}

// format prepares the brokers' folders, all at once since it is mostly Java that starts.
func (c *Cluster) format(t *testing.T) {
	t.Helper()
	id := uuid.New()
	cluster := base64.RawURLEncoding.EncodeToString(id[:])
	var formatting sync.WaitGroup
	for _, n := range c.nodes {
		formatting.Go(func() {
			cmd := exec.CommandContext(t.Context(), "java", "-cp", c.libs+"/*", "kafka.tools.StorageTool",
				"format", "-t", cluster, "-c", n.config)
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

// start starts a broker and does not wait until it is ready.
func (c *Cluster) start(t *testing.T, id int) {
	t.Helper()
	n := c.nodes[id]
	out, err := os.OpenFile(filepath.Join(n.dir, "out.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	const undertaker = `"$@" </dev/null & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid`
	cmd := exec.Command("sh", "-c", undertaker, "sh",
		"java", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel="+logLevel, "-cp", c.libs+"/*", "kafka.Kafka", n.config)
	cmd.Stdout, cmd.Stderr = out, out
	life, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.life, n.ended = life, make(chan struct{})
	go func() {
		defer close(n.ended)
		_ = cmd.Wait() // always killed
	}()
}

// await waits until so many brokers are members of the cluster.
func (c *Cluster) await(t *testing.T, brokers int) {
	t.Helper()
	c.ask(t, func(ctx context.Context, admin *kadm.Client) error {
		metadata, err := admin.BrokerMetadata(ctx)
		if err == nil && len(metadata.Brokers) != brokers {
			err = fmt.Errorf("%d brokers have joined", len(metadata.Brokers))
		}
		return err
	})
}

// ask asks the cluster until the answer is what the caller wants. Each time it is a new client that asks: a client
// remembers the brokers and leaders that it once heard of.
func (c *Cluster) ask(t *testing.T, question func(context.Context, *kadm.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...))
		if err != nil {
			t.Fatal(err)
		}
		err = question(ctx, kadm.NewClient(client))
		client.Close()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, n := range c.nodes {
				out, _ := os.ReadFile(filepath.Join(n.dir, "out.log"))
				t.Logf("broker %d: %s", n.id, out)
			}
			t.Fatalf("the brokers are not ready: %v", err)
		}
	}
}

// freePorts returns ports that nobody listens on, from below the range of which systems take the ports of outgoing
// connections: such a port could be gone when its broker starts, and in particular when it starts again.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range 100 * n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15_000+rand.IntN(15_000)))
		if err != nil {
			continue
		}
		// All are held until the last is known, so that none comes twice.
		defer l.Close()
		if ports = append(ports, l.Addr().(*net.TCPAddr).Port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}
