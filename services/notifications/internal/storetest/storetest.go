// Package storetest is what every store of notifications must do.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Store is what the suite tests.
type Store interface {
	notifications.Store
	notifications.Auditor
}

// Run runs the suite. open returns an empty store that is closed when its test ends.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(t *testing.T, s suite){
		"add numbers without gap":        addNumbers,
		"add once for an event":          addOnce,
		"add concurrently":               addConcurrently,
		"what is added comes back":       roundTrip,
		"an empty store":                 empty,
		"pages":                          pages,
		"pages stay while others arrive": pagesStay,
		"filtered pages":                 filtered,
		"mark some":                      markSome,
		"mark all":                       markAll,
		"marking is the player's own":    markForeign,
		"since":                          since,
		"find":                           find,
		"walk":                           walk,
		"an ended context":               cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, suite{store: open(t), ctx: t.Context()}) })
	}
}

type suite struct {
	store Store
	ctx   context.Context
}

// at is an instant that every store can keep.
var at = time.Date(2026, 3, 10, 12, 30, 15, 123_000_000, time.UTC)

func newNotification(player uuid.UUID, event string) notifications.Notification {
	return notifications.Notification{
		ID: uuid.Must(uuid.NewV7()), Type: "promotion", Content: map[string]any{"id": "content of " + event, "title": event},
		CreatedAt: at, UserID: player, EventID: event,
	}
}

// fill adds n notifications for the player and returns them, oldest first.
func (s suite) fill(t *testing.T, player uuid.UUID, n int) []notifications.Notification {
	t.Helper()
	list := make([]notifications.Notification, n)
	for i := range list {
		stored, added, err := s.store.Add(s.ctx, newNotification(player, fmt.Sprintf("%s-%d", player, i)))
		if err != nil || !added {
			t.Fatalf("Add = added %v, %v", added, err)
		}
		list[i] = stored
	}
	return list
}

func addNumbers(t *testing.T, s suite) {
	a, b := uuid.New(), uuid.New()
	for i, player := range []uuid.UUID{a, b, a, a, b} {
		n, added, err := s.store.Add(s.ctx, newNotification(player, fmt.Sprint("event ", i)))
		if err != nil || !added {
			t.Fatalf("Add = added %v, %v", added, err)
		}
		if want := []int64{1, 1, 2, 3, 2}[i]; n.Seq != want {
			t.Errorf("notification %d has number %d, want %d", i, n.Seq, want)
		}
	}
	for player, want := range map[uuid.UUID]int64{a: 3, b: 2} {
		if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != want {
			t.Errorf("LastSeq = %d, %v, want %d", last, err, want)
		}
	}
}

func addOnce(t *testing.T, s suite) {
	player := uuid.New()
	first := s.fill(t, player, 2)[0]
	again := newNotification(player, first.EventID)
	again.Content = map[string]any{"title": "another content"}
	stored, added, err := s.store.Add(s.ctx, again)
	if err != nil {
		t.Fatal(err)
	}
	if added || !reflect.DeepEqual(stored, first) {
		t.Errorf("Add of a known event = %+v, added %v, want %+v", stored, added, first)
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
					t.Errorf("%s has the numbers %d and %d", n.EventID, known, n.Seq)
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
		t.Errorf("%d were added, want %d", added, events)
	}
	got := slices.Sorted(maps.Values(seqs))
	if want := []int64{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
}

func roundTrip(t *testing.T, s suite) {
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
		t.Fatalf("List = %d, %v", len(list), err)
	}
	entitytest.Same(t, "Add", stored, n)
	entitytest.Same(t, "List", list[0], n)
}

func empty(t *testing.T, s suite) {
	player := uuid.New()
	if list, err := s.store.List(s.ctx, player, nil, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v", list, err)
	}
	if list, err := s.store.Since(s.ctx, player, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("Since = %v, %v", list, err)
	}
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{}) {
		t.Errorf("Counts = %+v, %v", counts, err)
	}
	if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != 0 {
		t.Errorf("LastSeq = %d, %v", last, err)
	}
	if marked, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{uuid.New()}); err != nil || len(marked) != 0 {
		t.Errorf("MarkRead = %v, %v", marked, err)
	}
	if err := s.store.MarkAllRead(s.ctx, player, 0); err != nil {
		t.Errorf("MarkAllRead: %v", err)
	}
}

func numbers(list []notifications.Notification) []int64 {
	out := []int64{}
	for _, n := range list {
		out = append(out, n.Seq)
	}
	return out
}

// expect compares the numbers of a list.
func expect(t *testing.T, what string, list []notifications.Notification, err error, want ...int64) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got := numbers(list); !slices.Equal(got, want) {
		t.Errorf("%s has the numbers %v, want %v", what, got, want)
	}
}

func pages(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	s.fill(t, player, 5)
	s.fill(t, other, 3)
	for _, tt := range []struct {
		before int64
		limit  int
		want   []int64
	}{
		{0, 2, []int64{5, 4}}, {4, 2, []int64{3, 2}}, {2, 2, []int64{1}}, {1, 2, nil}, {0, 9, []int64{5, 4, 3, 2, 1}},
	} {
		list, err := s.store.List(s.ctx, player, nil, tt.before, tt.limit)
		expect(t, fmt.Sprintf("the page of %d before %d", tt.limit, tt.before), list, err, tt.want...)
		for _, n := range list {
			if n.UserID != player {
				t.Errorf("the page holds a notification of %s", n.UserID)
			}
		}
	}
}

func pagesStay(t *testing.T, s suite) {
	player := uuid.New()
	s.fill(t, player, 4)
	first, err := s.store.List(s.ctx, player, nil, 0, 2)
	expect(t, "the first page", first, err, 4, 3)
	if _, _, err := s.store.Add(s.ctx, newNotification(player, "late")); err != nil {
		t.Fatal(err)
	}
	second, err := s.store.List(s.ctx, player, nil, first[1].Seq, 2)
	expect(t, "the second page", second, err, 2, 1)
}

func filtered(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 6)
	if _, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{all[1].ID, all[4].ID}); err != nil {
		t.Fatal(err)
	}
	read, unread := true, false
	list, err := s.store.List(s.ctx, player, &read, 0, 10)
	expect(t, "the list of read ones", list, err, 5, 2)
	list, err = s.store.List(s.ctx, player, &unread, 0, 10)
	expect(t, "the list of unread ones", list, err, 6, 4, 3, 1)
	list, err = s.store.List(s.ctx, player, &unread, 4, 1)
	expect(t, "the second page of unread ones", list, err, 3)
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{Total: 6, Unread: 4}) {
		t.Errorf("Counts = %+v, %v", counts, err)
	}
}

func markSome(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 3)
	ids := []uuid.UUID{all[0].ID, all[2].ID, uuid.New()}
	marked, err := s.store.MarkRead(s.ctx, player, ids)
	if err != nil {
		t.Fatal(err)
	}
	sameIDs(t, marked, all[0].ID, all[2].ID)
	again := []uuid.UUID{all[0].ID, all[1].ID, all[1].ID}
	if marked, err = s.store.MarkRead(s.ctx, player, again); err != nil {
		t.Fatal(err)
	}
	sameIDs(t, marked, all[0].ID, all[1].ID)
	if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != (notifications.Counts{Total: 3}) {
		t.Errorf("Counts = %+v, %v, want all to be read", counts, err)
	}
}

func sameIDs(t *testing.T, got []uuid.UUID, want ...uuid.UUID) {
	t.Helper()
	set := func(ids []uuid.UUID) map[uuid.UUID]int {
		m := map[uuid.UUID]int{}
		for _, id := range ids {
			m[id]++
		}
		return m
	}
	if !maps.Equal(set(got), set(want)) {
		t.Errorf("marked %v, want %v", got, want)
	}
}

func markAll(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	s.fill(t, player, 3)
	s.fill(t, other, 2)
	for _, step := range []struct {
		last   int64
		unread int
	}{{0, 3}, {2, 1}, {2, 1}, {3, 0}, {9, 0}} {
		if err := s.store.MarkAllRead(s.ctx, player, step.last); err != nil {
			t.Errorf("MarkAllRead: %v", err)
		}
		want := notifications.Counts{Total: 3, Unread: step.unread}
		if counts, err := s.store.Counts(s.ctx, player); err != nil || counts != want {
			t.Errorf("up to %d: Counts = %+v, %v, want %+v", step.last, counts, err, want)
		}
	}
	if counts, err := s.store.Counts(s.ctx, other); err != nil || counts.Unread != 2 {
		t.Errorf("Counts of another player = %+v, %v", counts, err)
	}
}

func markForeign(t *testing.T, s suite) {
	player, other := uuid.New(), uuid.New()
	theirs := s.fill(t, other, 1)
	marked, err := s.store.MarkRead(s.ctx, player, []uuid.UUID{theirs[0].ID})
	if err != nil || len(marked) != 0 {
		t.Errorf("MarkRead of another's = %v, %v", marked, err)
	}
	if counts, err := s.store.Counts(s.ctx, other); err != nil || counts.Unread != 1 {
		t.Errorf("Counts of the owner = %+v, %v", counts, err)
	}
}

func since(t *testing.T, s suite) {
	player := uuid.New()
	s.fill(t, player, 4)
	s.fill(t, uuid.New(), 2)
	for _, tt := range []struct {
		after int64
		limit int
		want  []int64
	}{
		{0, 10, []int64{1, 2, 3, 4}}, {2, 10, []int64{3, 4}}, {1, 2, []int64{2, 3}}, {4, 10, nil}, {9, 10, nil},
	} {
		list, err := s.store.Since(s.ctx, player, tt.after, tt.limit)
		expect(t, fmt.Sprintf("at most %d since %d", tt.limit, tt.after), list, err, tt.want...)
	}
}

func find(t *testing.T, s suite) {
	player := uuid.New()
	all := s.fill(t, player, 2)
	if seq, err := s.store.Find(s.ctx, player, all[1].ID); err != nil || seq != 2 {
		t.Errorf("Find = %d, %v, want 2", seq, err)
	}
	for name, ids := range map[string][2]uuid.UUID{
		"an unknown one": {player, uuid.New()},
		"another's":      {uuid.New(), all[1].ID},
	} {
		if _, err := s.store.Find(s.ctx, ids[0], ids[1]); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("Find of %s: %v, want NOT_FOUND", name, err)
		}
	}
}

func walk(t *testing.T, s suite) {
	want := map[uuid.UUID][]string{}
	kept := map[string]notifications.Notification{}
	for n := range 4 {
		player := uuid.New()
		for _, stored := range s.fill(t, player, n) {
			want[player] = append(want[player], stored.EventID)
			kept[stored.EventID] = stored
		}
	}
	got := map[uuid.UUID][]string{}
	var before notifications.Entry
	err := s.store.Walk(s.ctx, func(e notifications.Entry) error {
		if e.UserID != before.UserID && len(got[e.UserID]) > 0 {
			t.Errorf("player %s comes twice", e.UserID)
		}
		got[e.UserID] = append(got[e.UserID], e.EventID)
		if e.Seq != int64(len(got[e.UserID])) {
			t.Errorf("the number %d comes at place %d", e.Seq, len(got[e.UserID]))
		}
		if stored := kept[e.EventID]; e.Type != stored.Type || e.ContentID != stored.Content["id"] {
			t.Errorf("Walk saw %+v of %+v", e, stored)
		}
		before = e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Walk saw %v, want %v", got, want)
	}
	enough, seen := errors.New("enough"), 0
	err = s.store.Walk(s.ctx, func(notifications.Entry) error { seen++; return enough })
	if !errors.Is(err, enough) || seen != 1 {
		t.Errorf("Walk = %v after %d, want its function's error after 1", err, seen)
	}
}

func cancelled(t *testing.T, s suite) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	player := uuid.New()
	if _, _, err := s.store.Add(ctx, newNotification(player, "never")); err == nil {
		t.Error("Add with an ended context reports success")
	}
	if last, err := s.store.LastSeq(s.ctx, player); err != nil || last != 0 {
		t.Errorf("LastSeq = %d, %v, want 0", last, err)
	}
}
