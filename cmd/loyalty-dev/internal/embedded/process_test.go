package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
)

// serverEnv makes the test binary run one server until it is killed. The value is "KIND DIRECTORY".
const serverEnv = "LOYALTY_TEST_SERVER"

// password is the password of the servers in these tests.
const password = "the password of the servers"

func TestMain(m *testing.M) {
	if server := os.Getenv(serverEnv); server != "" {
		fmt.Fprintln(os.Stderr, serve(server))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serve starts the server, prints its address and blocks.
func serve(server string) error {
	kind, dir, _ := strings.Cut(server, " ")
	log := slog.New(slog.DiscardHandler)
	switch kind {
	case "kafka":
		k, err := embedded.StartKafka(dir, password, log)
		if err != nil {
			return err
		}
		fmt.Println(strings.Join(k.Brokers(), ","))
	case "nats":
		n, err := embedded.StartNATS(context.Background(), dir, password, log)
		if err != nil {
			return err
		}
		fmt.Println(n.URL())
	default:
		return fmt.Errorf("unknown server %q", kind)
	}
	select {}
}

// startProcess runs a server in another process and returns its address.
func startProcess(t *testing.T, kind, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"="+kind+" "+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", kind, err)
	}
	return cmd, strings.TrimSpace(line)
}

// kill kills the process and waits until it has ended.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
}
