package storetest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

func addSequence(t *testing.T, s suite) {
	a, b := uuid.New(), uuid.New()
	for i, player := range []uuid.UUID{a, b, a, a, b} {
		n, added, err := s.store.Add(s.ctx, newNotification(player, fmt.Sprint("event ", i)))
		if err != nil || !added {
			t.Fatalf("Add = added %t, %v, want true", added, err)
		}
		if want := []int64{1, 1, 2, 3, 2}[i]; n.Seq != want {
			t.Errorf("notification %d has sequence number %d, want %d", i, n.Seq, want)
		}
	}
	for player, want := range map[uuid.UUID]int64{a: 3, b: 2} {
		if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != want {
			t.Errorf("LastSeq = %d, %v, want %d", last, err, want)
		}
	}
}

func addRepeatedEvent(t *testing.T, s suite) {
	player := uuid.New()
	first := s.fill(t, player, 2)[0]
	again := newNotification(player, first.EventID)
	again.Content = map[string]any{"title": "another content"}
	stored, added, err := s.store.Add(s.ctx, again)
	if err != nil {
		t.Fatal(err)
	}
	if added || !reflect.DeepEqual(stored, first) {
		t.Errorf("Add of a stored event = %+v, added %v, want %+v, added false", stored, added, first)
	}
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts.Total != 2 {
		t.Errorf("Counts = %+v, %v, want a total of 2", counts, err)
	}
}

func addConcurrently(t *testing.T, s suite) {
	const events, callers = 8, 4
	player := uuid.New()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		seqs  = map[string]int64{}
		added int
	)
	for range callers {
		wg.Go(func() {
			for i := range events {
				n, fresh, err := s.store.Add(s.ctx, newNotification(player, fmt.Sprint("event ", i)))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if known, ok := seqs[n.EventID]; ok && known != n.Seq {
					t.Errorf("%s: got sequence numbers %d and %d, want one number", n.EventID, known, n.Seq)
				}
				seqs[n.EventID] = n.Seq
				if fresh {
					added++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if added != events {
		t.Errorf("Add reported %d notifications as added, want %d", added, events)
	}
	got := slices.Sorted(maps.Values(seqs))
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("got sequence numbers %v, want %v", got, want)
	}
}

func addRoundTrip(t *testing.T, s suite) {
	n := notifications.Notification{Content: map[string]any{
		"id": "5bcc490a-7645-420a-b8f8-16dcaeafe32c", "title": "Grüße, ☃ <b>\"x\"</b>", "isActive": false,
		"amount": "20.00", "priority": 1.5, "count": 3.0, "none": nil, "empty": "", "_id": "odd", "a b": "space",
		"nested": map[string]any{
			"list": []any{"a", 1.0, true, nil, map[string]any{"deep": "er"}}, "object": map[string]any{},
		},
		"list": []any{},
	}}
	new(entitytest.Filler).Fill(t, &n)
	stored, _, err := s.store.Add(s.ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	n.Seq = 1
	list, err := s.store.List(s.ctx, n.UserID, nil, 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("List returns %d notifications, %v, want 1", len(list), err)
	}
	entitytest.AssertEqual(t, "Add", stored, n)
	entitytest.AssertEqual(t, "List", list[0], n)
}

func addWithCanceledContext(t *testing.T, s suite) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	player := uuid.New()
	if _, _, err := s.store.Add(ctx, newNotification(player, "never")); err == nil {
		t.Error("Add with a canceled context: got no error")
	}
	if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != 0 {
		t.Errorf("LastSeq = %d, %v, want 0", last, err)
	}
}
