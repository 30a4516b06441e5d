package notifications_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// fakeStore is an in-memory store of one player. It ignores the player argument.
type fakeStore struct {
	notifications.Store
	all []notifications.Notification
	err error
}

func (s *fakeStore) Add(_ context.Context, n notifications.Notification) (notifications.Notification, bool, error) {
	if s.err != nil {
		return notifications.Notification{}, false, s.err
	}
	for _, stored := range s.all {
		if stored.EventID == n.EventID {
			return stored, false, nil
		}
	}
	n.Seq = int64(len(s.all) + 1)
	s.all = append(s.all, n)
	return n, true, nil
}

func (s *fakeStore) List(
	_ context.Context, _ uuid.UUID, read *bool, before int64, limit int,
) ([]notifications.Notification, error) {
	var page []notifications.Notification
	for i := len(s.all) - 1; i >= 0 && len(page) < limit; i-- {
		if n := s.all[i]; (read == nil || n.Read == *read) && (before == 0 || n.Seq < before) {
			page = append(page, n)
		}
	}
	return page, s.err
}

func (s *fakeStore) Counts(ctx context.Context, _ uuid.UUID) (notifications.Counts, error) {
	if err := ctx.Err(); err != nil {
		return notifications.Counts{}, err
	}
	c := notifications.Counts{Total: len(s.all)}
	for _, n := range s.all {
		if !n.Read {
			c.Unread++
		}
	}
	return c, s.err
}

func (s *fakeStore) MarkRead(_ context.Context, _ uuid.UUID, ids []uuid.UUID) (marked []uuid.UUID, err error) {
	for i, n := range s.all {
		for _, id := range ids {
			if n.ID == id {
				s.all[i].Read = true
				marked = append(marked, id)
			}
		}
	}
	return marked, s.err
}

func (s *fakeStore) MarkAllRead(_ context.Context, _ uuid.UUID, last int64) error {
	for i := range s.all[:last] {
		s.all[i].Read = true
	}
	return s.err
}

func (s *fakeStore) LastSeq(context.Context, uuid.UUID) (int64, error) {
	return int64(len(s.all)), s.err
}

// fakeLive records the notifications and read states that are pushed to the live connections.
type fakeLive struct {
	notified []notifications.Notification
	read     []notifications.ReadState
}

func (f *fakeLive) Notified(_ context.Context, n notifications.Notification) {
	f.notified = append(f.notified, n)
}

func (f *fakeLive) Read(_ context.Context, _ uuid.UUID, state notifications.ReadState) {
	f.read = append(f.read, state)
}

var (
	player = uuid.MustParse("0195f3a0-0000-7000-8000-000000000001")
	now    = time.Date(2026, 3, 10, 12, 30, 15, 123_456_789, time.FixedZone("UTC+1", 3600))
)

func newService() (*notifications.Service, *fakeStore, *fakeLive) {
	store, live := &fakeStore{}, &fakeLive{}
	return notifications.New(store, live, func() time.Time { return now }), store, live
}

func notice(event string) notifications.Notice {
	return notifications.Notice{EventID: event, UserID: player, Type: "promotion", Content: map[string]any{"title": event}}
}

func TestNotify(t *testing.T) {
	service, store, live := newService()
	for _, event := range []string{"a", "b", "a"} {
		if err := service.Notify(t.Context(), notice(event)); err != nil {
			t.Fatal(err)
		}
	}
	if len(store.all) != 2 {
		t.Fatalf("%d notifications are stored, want one for each of 2 events", len(store.all))
	}
	first := store.all[0]
	if first.ID.Version() != 7 || first.Type != "promotion" || first.Read || first.UserID != player ||
		first.EventID != "a" {
		t.Errorf("stored %+v, want an unread notification of event a with a UUIDv7", first)
	}
	if want := time.Date(2026, 3, 10, 11, 30, 15, 123_000_000, time.UTC); first.CreatedAt != want {
		t.Errorf("stored at %v, want %v", first.CreatedAt, want)
	}
	// The repeated event is pushed again, because the first push may have been lost.
	if want := []notifications.Notification{first, store.all[1], first}; !reflect.DeepEqual(live.notified, want) {
		t.Errorf("pushed %+v, want %+v", live.notified, want)
	}
}

func TestNotifyStoreFails(t *testing.T) {
	service, store, live := newService()
	store.err = errors.New("store is down")
	if err := service.Notify(t.Context(), notice("a")); !errors.Is(err, store.err) {
		t.Errorf("got %v, want the store's error", err)
	}
	if len(live.notified) != 0 {
		t.Errorf("pushed %+v, want nothing", live.notified)
	}
}

func TestNotifyInvalid(t *testing.T) {
	for name, change := range map[string]func(*notifications.Notice){
		"no event id":     func(n *notifications.Notice) { n.EventID = "" },
		"no player":       func(n *notifications.Notice) { n.UserID = uuid.Nil },
		"no type":         func(n *notifications.Notice) { n.Type = "" },
		"no content":      func(n *notifications.Notice) { n.Content = nil },
		"NUL in a string": func(n *notifications.Notice) { n.Content["title"] = "a\x00" },
		"NUL in a key":    func(n *notifications.Notice) { n.Content["\x00"] = 1.0 },
		"nested NUL": func(n *notifications.Notice) {
			n.Content["list"] = []any{1.0, map[string]any{"deep": strings.Repeat("\x00", 2)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			service, store, _ := newService()
			n := notice("a")
			change(&n)
			if err := service.Notify(t.Context(), n); apperr.CodeOf(err) != apperr.ValidationFailed {
				t.Errorf("got %v, want VALIDATION_FAILED", err)
			}
			if len(store.all) != 0 {
				t.Error("the notification was stored")
			}
		})
	}
}

// If a request is canceled after the store has marked the notifications, the read state is still pushed.
func TestMarkReadAfterCancel(t *testing.T) {
	service, store, live := newService()
	if err := service.Notify(t.Context(), notice("a")); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel() // fakeStore.MarkRead ignores the cancellation
	if _, err := service.MarkRead(canceled, player, []uuid.UUID{store.all[0].ID}); err != nil {
		t.Fatal(err)
	}
	if len(live.read) != 1 {
		t.Errorf("pushed the read states %+v, want one", live.read)
	}
}

func TestList(t *testing.T) {
	service, store, _ := newService()
	for _, event := range []string{"1", "2", "3", "4", "5"} {
		if err := service.Notify(t.Context(), notice(event)); err != nil {
			t.Fatal(err)
		}
	}
	store.all[1].Read, store.all[3].Read = true, true
	yes, no := true, false
	for name, tt := range map[string]struct {
		unread *bool
		page   keyset.PageRequest[int64]
		want   string
		more   bool
		total  int
	}{
		"one page":    {nil, keyset.PageRequest[int64]{Size: 5}, "54321", false, 5},
		"first page":  {nil, keyset.PageRequest[int64]{Size: 2}, "54", true, 5},
		"middle page": {nil, keyset.PageRequest[int64]{Size: 2, Before: 4}, "32", true, 5},
		"last page":   {nil, keyset.PageRequest[int64]{Size: 2, Before: 2}, "1", false, 5},
		"unread":      {&yes, keyset.PageRequest[int64]{Size: 2}, "53", true, 3},
		"read":        {&no, keyset.PageRequest[int64]{Size: 2}, "42", false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			page, unread, err := service.List(t.Context(), player, notifications.NotificationFilter{Unread: tt.unread}, tt.page)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, n := range page.Items {
				got.WriteString(n.EventID)
			}
			if got.String() != tt.want || page.More != tt.more || page.Total != tt.total || unread != 3 {
				t.Errorf("got %s, more %t, total %d, unread %d; want %s, %t, %d, 3",
					got.String(), page.More, page.Total, unread, tt.want, tt.more, tt.total)
			}
		})
	}
}

// manyStore is a store of a player with many notifications.
type manyStore struct {
	notifications.Store
	counts notifications.Counts
	read   int
}

func (manyStore) List(context.Context, uuid.UUID, *bool, int64, int) ([]notifications.Notification, error) {
	return nil, nil
}

func (s manyStore) Counts(context.Context, uuid.UUID) (notifications.Counts, error) {
	return s.counts, nil
}

func (s manyStore) CountRead(context.Context, uuid.UUID) (int, error) { return s.read, nil }

func TestTotalOfManyNotifications(t *testing.T) {
	const most, more = keyset.MaxExactTotal, keyset.MaxExactTotal + 1
	unread, read := true, false
	for name, tt := range map[string]struct {
		store    manyStore
		unread   *bool
		total    int
		estimate bool
	}{
		"all":                    {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: more}, read: 7}, nil, 5 * most, false},
		"unread":                 {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: most}, read: 0}, &unread, most, false},
		"many unread":            {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: more}, read: 7}, &unread, more, true},
		"read, of few unread":    {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: most}, read: 0}, &read, 4 * most, false},
		"few read, many unread":  {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: more}, read: 7}, &read, 7, false},
		"most read, many unread": {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: more}, read: most}, &read, most, false},
		"many read, many unread": {manyStore{counts: notifications.Counts{Total: 5 * most, Unread: more}, read: more}, &read, more, true},
	} {
		service := notifications.New(tt.store, &fakeLive{}, time.Now)
		page, n, err := service.List(t.Context(), player, notifications.NotificationFilter{Unread: tt.unread}, keyset.PageRequest[int64]{Size: 1})
		if err != nil || page.Total != tt.total || page.TotalIsEstimate != tt.estimate || n != tt.store.counts.Unread {
			t.Errorf("%s: got total %d, estimate %t, unread %d, %v", name, page.Total, page.TotalIsEstimate, n, err)
		}
	}
}

func TestMarkRead(t *testing.T) {
	service, store, live := newService()
	for _, event := range []string{"1", "2", "3"} {
		if err := service.Notify(t.Context(), notice(event)); err != nil {
			t.Fatal(err)
		}
	}
	first := store.all[0].ID
	for _, step := range []struct {
		mark   func() (int, error)
		unread int
	}{
		{func() (int, error) { return service.MarkRead(t.Context(), player, []uuid.UUID{first, uuid.New()}) }, 2},
		{func() (int, error) { return service.MarkRead(t.Context(), player, []uuid.UUID{first}) }, 2},
		{func() (int, error) { return service.MarkRead(t.Context(), player, []uuid.UUID{uuid.New()}) }, 2},
		{func() (int, error) { return service.MarkAllRead(t.Context(), player) }, 0},
		{func() (int, error) { return service.MarkAllRead(t.Context(), player) }, 0},
	} {
		if unread, err := step.mark(); err != nil || unread != step.unread {
			t.Errorf("got %d unread, %v, want %d", unread, err, step.unread)
		}
	}
	// A repeated mark is pushed again, because the first push may have been lost. An unknown id is not pushed.
	some := notifications.ReadState{IDs: []uuid.UUID{first}, Counts: notifications.Counts{Total: 3, Unread: 2}}
	all := notifications.ReadState{All: true, Counts: notifications.Counts{Total: 3}}
	if want := []notifications.ReadState{some, some, all, all}; !reflect.DeepEqual(live.read, want) {
		t.Errorf("pushed the read states %+v, want %+v", live.read, want)
	}
}

// racingStore is a store that calls arrive before it marks all notifications as read.
type racingStore struct {
	*fakeStore
	arrive func()
}

func (s racingStore) MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error {
	s.arrive()
	return s.fakeStore.MarkAllRead(ctx, player, last)
}

func TestMarkAllReadSkipsNewNotification(t *testing.T) {
	store, live := &fakeStore{}, &fakeLive{}
	var service *notifications.Service
	notify := func(event string) {
		if err := service.Notify(t.Context(), notice(event)); err != nil {
			t.Fatal(err)
		}
	}
	service = notifications.New(racingStore{store, func() { notify("late") }}, live, time.Now)
	notify("1")
	notify("2")
	if unread, err := service.MarkAllRead(t.Context(), player); err != nil || unread != 1 {
		t.Errorf("MarkAllRead = %d, %v, want 1 unread", unread, err)
	}
	want := []notifications.ReadState{{All: true, Counts: notifications.Counts{Total: 2}}}
	if !reflect.DeepEqual(live.read, want) {
		t.Errorf("pushed the read states %+v, want %+v", live.read, want)
	}
}
