package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// TestRestoreDeletesEveryTopic compares the topics that the runbook deletes before a restore with those of the schema.
func TestRestoreDeletesEveryTopic(t *testing.T) {
	runbook, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	names := topicNames()
	slices.Sort(names)
	if want := "for topic in " + strings.Join(names, " ") + "; do\n"; !strings.Contains(string(runbook), want) {
		t.Errorf("docs/runbook.md does not contain %q", want)
	}
}

func TestDeadLetterLine(t *testing.T) {
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		letter event.DeadLetter
		want   string
	}{
		"plain": {
			event.DeadLetter{Event: event.Event{ID: "0198", Key: "u1"}, Group: "promotions", Attempts: 3, Reason: `no "type"`, Time: at},
			`2026-03-10T12:00:00Z  waiting   0198  key u1  group promotions, 3 attempts: no "type"`,
		},
		"replayed": {
			event.DeadLetter{Event: event.Event{ID: "0198", Key: "ü"}, Group: "g", Attempts: 1, Reason: "é", Time: at, Replayed: true},
			`2026-03-10T12:00:00Z  replayed  0198  key ü  group g, 1 attempt: é`,
		},
		"invalid": {
			event.DeadLetter{
				Event: event.Event{ID: "0198"}, Group: "g", Reason: "forged", Time: at, Replayed: true,
				Invalid: event.InvalidError("its subject is %q", "x"),
			},
			`2026-03-10T12:00:00Z  invalid   0198  key ""  group g, 0 attempts: it is not a valid dead letter of the topic: its subject is "x"`,
		},
		"no key": {
			event.DeadLetter{Event: event.Event{ID: "0198"}, Group: "g", Time: at},
			`2026-03-10T12:00:00Z  waiting   0198  key ""  group g, 0 attempts: `,
		},
		"terminal escapes": {
			event.DeadLetter{
				Event: event.Event{ID: "a\x1b[2J", Key: "\u009b31m"}, Group: "g\r\n", Attempts: 1, Reason: "\x1b]0;title\a", Time: at,
			},
			`2026-03-10T12:00:00Z  waiting   "a\x1b[2J"  key "\u009b31m"  group "g\r\n", 1 attempt: \x1b]0;title\a`,
		},
		"bidirectional text and invalid UTF-8": {
			event.DeadLetter{Event: event.Event{ID: "a\u202eb", Key: "\xff"}, Group: "g", Attempts: 1, Reason: "\u2066x\xfe", Time: at},
			`2026-03-10T12:00:00Z  waiting   "a\u202eb"  key "\xff"  group g, 1 attempt: \u2066x\xfe`,
		},
		"imitated columns": {
			event.DeadLetter{Event: event.Event{ID: "0198", Key: `u1  group g, 0 attempts: ok`}, Group: `"g"`, Attempts: 1, Time: at},
			`2026-03-10T12:00:00Z  waiting   0198  key "u1  group g, 0 attempts: ok"  group "\"g\"", 1 attempt: `,
		},
	} {
		if got := deadLetterLine(tt.letter); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
	long := event.DeadLetter{Event: event.Event{Key: strings.Repeat("x", 1<<20)}, Reason: strings.Repeat("\x1b", 1<<20)}
	if n := len(deadLetterLine(long)); n > 10<<10 {
		t.Errorf("line of a large dead letter has %d bytes, want at most %d", n, 10<<10)
	}
}

// TestEventsDeadEscapes lists a dead letter with control characters in its key and all headers.
func TestEventsDeadEscapes(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "players", "players.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	record := &kgo.Record{Topic: "players.dlq", Key: []byte("key\x1b[2J\n")}
	for _, name := range []string{"ce_id", "dlq-reason", "dlq-group", "dlq-topic", "dlq-attempts", "dlq-time"} {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(name + "\x1b[2J\u009b\u202e\n")})
	}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOYALTY_KAFKA_BROKERS", strings.Join(cluster.ListenAddrs(), ","))
	var stdout, stderr bytes.Buffer
	if code := dispatch(t.Context(), []string{"events", "dead", "players"}, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	line, summary, ok := strings.Cut(stdout.String(), "\n")
	if !ok || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("output is %q, want a line of printable characters", stdout.String())
	}
	if want := "1 invalid dead letter of players: a replay skips them\n"; summary != want {
		t.Errorf("the output ends with %q, want %q", summary, want)
	}
	if !strings.Contains(line, `key "key\x1b[2J\n"`) {
		t.Errorf("output is %q, want the escaped key", line)
	}
}
