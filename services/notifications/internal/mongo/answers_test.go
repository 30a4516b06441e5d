package mongo_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo/mongotest"
)

func TestAnswers(t *testing.T) {
	answers := open(t, mongotest.Start(t)).Answers()
	ctx := t.Context()
	first := idempotency.Answer{ID: idempotency.ID("caller", "key"), Request: []byte("request"), Message: []byte("first")}
	if _, ok, err := answers.Find(ctx, first.ID); ok || err != nil {
		t.Errorf("before the first call: got %t, %v, want no answer", ok, err)
	}
	second := first
	second.Message = []byte("second")
	for i, a := range []idempotency.Answer{first, second} {
		if added, err := answers.Add(ctx, a); added != (i == 0) || err != nil {
			t.Errorf("answer %s: added %t, %v", a.Message, added, err)
		}
	}
	got, ok, err := answers.Find(ctx, first.ID)
	if !ok || err != nil || string(got.Message) != "first" || string(got.Request) != "request" {
		t.Errorf("got %+v, %t, %v, want the first answer", got, ok, err)
	}
	if deleted, err := answers.Prune(ctx, time.Hour); deleted != 0 || err != nil {
		t.Errorf("deleted %d answers, %v, want none that is younger than the age", deleted, err)
	}
	if deleted, err := answers.Prune(ctx, -time.Hour); deleted != 1 || err != nil {
		t.Errorf("deleted %d answers, %v, want 1", deleted, err)
	}
	if _, ok, err := answers.Find(ctx, first.ID); ok || err != nil {
		t.Errorf("after Prune: got %t, %v, want no answer", ok, err)
	}
}
