package eventtest

import (
	"testing"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// testDescribe describes a topic and a topic that does not exist. A new topic may need a moment until its replicas are in
// sync.
func testDescribe(t *testing.T, f *fixture) {
	replication := f.driver.Replication
	want := []event.TopicState{
		{Name: f.topic, Exists: true, Replicas: replication, InSync: replication, MinInSync: max(1, replication-1)},
		{Name: f.topic + "-missing"},
	}
	ctx := deadline(t)
	for {
		got, err := f.bus.Describe(ctx, want[0].Name, want[1].Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Version == "" || len(got.Topics) != len(want) {
			t.Fatalf("Describe returned %+v, want a version and %d topics", got, len(want))
		}
		if got.Topics[0] == want[0] && got.Topics[1] == want[1] {
			return
		}
		if got.Topics[0].InSync == replication || ctx.Err() != nil {
			t.Fatalf("Describe returned the topics %+v, want %+v", got.Topics, want)
		}
	}
}
