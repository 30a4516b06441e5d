package websocket_test

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// publishRead publishes a read state with counts. It marks ids as read, or all notifications if there are no ids.
func (r *replica) publishRead(t *testing.T, player uuid.UUID, total, unread int, ids ...uuid.UUID) {
	t.Helper()
	r.channel.Read(t.Context(), player, notifications.ReadState{
		IDs: ids, All: len(ids) == 0, Counts: notifications.Counts{Total: total, Unread: unread},
	})
}

// expectRead checks that the next frame is a read state.
func (c *client) expectRead(t *testing.T, all bool, unread int32) {
	t.Helper()
	f := c.next(t)
	if f.GetRead() == nil || f.GetRead().GetAll() != all || f.GetRead().GetUnread() != unread {
		t.Fatalf("got %v, want a read state with all %t and %d unread", f, all, unread)
	}
}

func TestUnreadCountIsNewest(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player, one, two := uuid.New(), uuid.New(), uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	r.notify(t, player, 1, 3)
	c := r.connect(t, token, "")
	w.awaitFollower(t, player)
	r.publishRead(t, player, 3, 1, two)
	r.publishRead(t, player, 3, 2, one) // was counted before the other mark, but is published after it
	c.expectRead(t, false, 1)
	c.expectRead(t, false, 1)
	r.notify(t, player, 4, 1)
	c.expectTitles(t, 4, 4)
	r.publishRead(t, player, 3, 1, two) // was counted before the notification
	c.expectRead(t, false, 2)
}

func TestReadStateWaitsForNotifications(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	w.awaitFollower(t, player)
	r.notify(t, player, 1, 1)
	w.storeOnly(t, player, 2, 3)
	r.publishRead(t, player, 3, 0)             // marks the first three notifications
	r.publishRead(t, player, 4, 0, uuid.New()) // marks the fourth
	c.expectTitles(t, 1, 3)
	c.expectRead(t, true, 0)
	c.expectTitles(t, 4, 4)
	c.expectRead(t, false, 0)
}

func TestReadAllBeforeNewNotification(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	w.awaitFollower(t, player)
	r.notify(t, player, 1, 3)
	c.expectTitles(t, 1, 3)
	r.publishRead(t, player, 2, 0) // marks the first two notifications
	if f := c.next(t); f.GetReset_() == nil {
		t.Fatalf("got %v, want a reset, because the client cannot know which notifications are read", f)
	}
	r.publishRead(t, player, 3, 0)
	r.publishRead(t, player, 2, 0) // an older mark; all notifications are read by now
	c.expectRead(t, true, 0)
	c.expectRead(t, true, 0)
}

// screen is the state of a simulated client: for each notification id, whether it is shown as unread.
type screen map[string]bool

// show handles a frame. For a reset it calls list.
func (s screen) show(f *notificationsv1.Frame, list func() []notifications.Notification) {
	switch read := f.GetRead(); {
	case f.GetNotification() != nil:
		s[f.GetNotification().GetId()] = !f.GetNotification().GetRead()
	case read.GetAll():
		clear(s)
	case read != nil:
		for _, id := range read.GetIds() {
			delete(s, id)
		}
	default:
		clear(s)
		for _, n := range list() {
			s[n.ID.String()] = !n.Read
		}
	}
}

// unread returns the ids of the unread notifications, sorted.
func (s screen) unread() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for id := range maps.Keys(s) {
			if s[id] && !yield(id) {
				return
			}
		}
	})
}

func TestConcurrentMarks(t *testing.T) {
	const count = 150
	w := newWorld(t)
	replicas := []*replica{w.start(t, nil), w.start(t, nil), w.start(t, nil)}
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	list := func() []notifications.Notification {
		all, err := w.store.List(t.Context(), player, nil, 0, 2*count)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	clients := []*client{
		replicas[0].connect(t, token, ""), replicas[1].connect(t, token, ""), replicas[2].connect(t, token, ""),
	}
	var wg sync.WaitGroup
	wg.Go(func() { replicas[0].notify(t, player, 1, count) })
	for i, r := range replicas {
		wg.Go(func() {
			for n := range 20 {
				var err error
				if all := list(); n%10 == 9 {
					_, err = r.service.MarkAllRead(t.Context(), player)
				} else if len(all) > 3*i {
					_, err = r.service.MarkRead(t.Context(), player, []uuid.UUID{all[3*i].ID})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	replicas[1].notify(t, player, count+1, 2)
	final := list()[0].ID
	if _, err := replicas[2].service.MarkRead(t.Context(), player, []uuid.UUID{final}); err != nil {
		t.Fatal(err)
	}
	want := screen{}
	for _, n := range list() {
		want[n.ID.String()] = !n.Read
	}
	for i, c := range clients {
		shown := screen{}
		for {
			f := c.next(t)
			shown.show(f, list)
			if !slices.Contains(f.GetRead().GetIds(), final.String()) {
				continue
			}
			if got := shown.unread(); !slices.Equal(got, want.unread()) || int(f.GetRead().GetUnread()) != len(got) {
				t.Errorf("client %d shows the unread notifications %q and received the count %d, want %q",
					i, got, f.GetRead().GetUnread(), want.unread())
			}
			break
		}
	}
}
