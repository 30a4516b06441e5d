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

// list is a store of one player's notifications, numbered by their place.
type list struct {
	notifications.Store
	all []notifications.Notification
	err error
}

func (l *list) Add(_ context.Context, n notifications.Notification) (notifications.Notification, bool, error) {
	if l.err != nil {
		return notifications.Notification{}, false, l.err
	}
	for _, stored := range l.all {
		if stored.EventID == n.EventID {
			return stored, false, nil
		}
	}
	n.Seq = int64(len(l.all) + 1)
	l.all = append(l.all, n)
	return n, true, nil
}

func (l *list) List(
	_ context.Context, _ uuid.UUID, read *bool, before int64, limit int,
) ([]notifications.Notification, error) {
	var page []notifications.Notification
	for i := len(l.all) - 1; i >= 0 && len(page) < limit; i-- {
		if n := l.all[i]; (read == nil || n.Read == *read) && (before == 0 || n.Seq < before) {
			page = append(page, n)
		}
	}
	return page, l.err
}

func (l *list) Counts(ctx context.Context, _ uuid.UUID) (notifications.Counts, error) {
	if err := ctx.Err(); err != nil {
		return notifications.Counts{}, err
	}
	c := notifications.Counts{Total: len(l.all)}
	for _, n := range l.all {
		if !n.Read {
			c.Unread++
		}
	}
	return c, l.err
}

func (l *list) MarkRead(_ context.Context, _ uuid.UUID, ids []uuid.UUID) (marked []uuid.UUID, err error) {
	for i, n := range l.all {
		for _, id := range ids {
			if n.ID == id {
				l.all[i].Read = true
				marked = append(marked, id)
			}
		}
	}
	return marked, l.err
}

func (l *list) MarkAllRead(_ context.Context, _ uuid.UUID, last int64) error {
	for i := range l.all[:last] {
		l.all[i].Read = true
	}
	return l.err
}

func (l *list) LastSeq(context.Context, uuid.UUID) (int64, error) { return int64(len(l.all)), l.err }

// heard is what the live connections were told.
type heard struct {
	notified []notifications.Notification
	read     []notifications.ReadState
}

func (h *heard) Notified(_ context.Context, n notifications.Notification) {
	h.notified = append(h.notified, n)
}

func (h *heard) Read(_ context.Context, _ uuid.UUID, state notifications.ReadState) {
	h.read = append(h.read, state)
}

var (
	player = uuid.MustParse("0195f3a0-0000-7000-8000-000000000001")
	now    = time.Date(2026, 3, 10, 12, 30, 15, 123_456_789, time.FixedZone("elsewhere", 3600))
)

func newService() (*notifications.Service, *list, *heard) {
	store, live := &list{}, &heard{}
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
		t.Fatalf("%d are stored, want one for each event", len(store.all))
	}
	first := store.all[0]
	if first.ID.Version() != 7 || first.Type != "promotion" || first.Read || first.UserID != player ||
		first.EventID != "a" {
		t.Errorf("stored %+v", first)
	}
	if want := time.Date(2026, 3, 10, 11, 30, 15, 123_000_000, time.UTC); first.CreatedAt != want {
		t.Errorf("stored at %v, want %v", first.CreatedAt, want)
	}
	// The third delivery is pushed again as it was stored, for the first push may have been lost.
	if want := []notifications.Notification{first, store.all[1], first}; !reflect.DeepEqual(live.notified, want) {
		t.Errorf("pushed %+v, want %+v", live.notified, want)
	}
}

func TestNotifyFails(t *testing.T) {
	service, store, live := newService()
	store.err = errors.New("away")
	if err := service.Notify(t.Context(), notice("a")); !errors.Is(err, store.err) {
		t.Errorf("got %v, want the store's error", err)
	}
	if len(live.notified) != 0 {
		t.Error("what is not stored was pushed")
	}
}

func TestNotifyRefuses(t *testing.T) {
	for name, change := range map[string]func(*notifications.Notice){
		"no event id":   func(n *notifications.Notice) { n.EventID = "" },
		"no player":     func(n *notifications.Notice) { n.UserID = uuid.Nil },
		"no type":       func(n *notifications.Notice) { n.Type = "" },
		"no content":    func(n *notifications.Notice) { n.Content = nil },
		"NUL in a text": func(n *notifications.Notice) { n.Content["title"] = "a\x00" },
		"NUL in a key":  func(n *notifications.Notice) { n.Content["\x00"] = 1.0 },
		"NUL deep in it": func(n *notifications.Notice) {
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
				t.Error("it was stored")
			}
		})
	}
}

func TestMarkingIsToldThoughItsCallerLeft(t *testing.T) {
	service, store, live := newService()
	if err := service.Notify(t.Context(), notice("a")); err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave() // the store, which is asked first, takes no notice in this test
	if _, err := service.MarkRead(gone, player, []uuid.UUID{store.all[0].ID}); err != nil {
		t.Fatal(err)
	}
	if len(live.read) != 1 {
		t.Errorf("told %+v, want what was marked", live.read)
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
		"all on one page":      {nil, keyset.PageRequest[int64]{Size: 5}, "54321", false, 5},
		"the first page":       {nil, keyset.PageRequest[int64]{Size: 2}, "54", true, 5},
		"a page in the middle": {nil, keyset.PageRequest[int64]{Size: 2, Before: 4}, "32", true, 5},
		"the last page":        {nil, keyset.PageRequest[int64]{Size: 2, Before: 2}, "1", false, 5},
		"unread":               {&yes, keyset.PageRequest[int64]{Size: 2}, "53", true, 3},
		"read":                 {&no, keyset.PageRequest[int64]{Size: 2}, "42", false, 2},
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
			t.Errorf("got %d, %v, want %d", unread, err, step.unread)
		}
	}
	// Each is told again when it is repeated, for the first telling may have been lost.
	some := notifications.ReadState{IDs: []uuid.UUID{first}, Counts: notifications.Counts{Total: 3, Unread: 2}}
	all := notifications.ReadState{All: true, Counts: notifications.Counts{Total: 3}}
	if want := []notifications.ReadState{some, some, all, all}; !reflect.DeepEqual(live.read, want) {
		t.Errorf("told %+v, want %+v: nothing where nothing is the player's", live.read, want)
	}
}

// lateComer is a store in which a notification arrives before each mark of all.
type lateComer struct {
	*list
	arrive func()
}

func (l lateComer) MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error {
	l.arrive()
	return l.list.MarkAllRead(ctx, player, last)
}

func TestWhatComesWhileAllAreMarkedStaysUnread(t *testing.T) {
	store, live := &list{}, &heard{}
	var service *notifications.Service
	notify := func(event string) {
		if err := service.Notify(t.Context(), notice(event)); err != nil {
			t.Fatal(err)
		}
	}
	service = notifications.New(lateComer{store, func() { notify("late") }}, live, time.Now)
	notify("1")
	notify("2")
	if unread, err := service.MarkAllRead(t.Context(), player); err != nil || unread != 1 {
		t.Errorf("got %d, %v, want 1", unread, err)
	}
	want := []notifications.ReadState{{All: true, Counts: notifications.Counts{Total: 2}}}
	if !reflect.DeepEqual(live.read, want) {
		t.Errorf("told %+v, want %+v", live.read, want)
	}
}
