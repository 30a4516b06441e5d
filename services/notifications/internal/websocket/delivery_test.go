package websocket_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	gorilla "github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

func TestDeliveryAcrossReplicas(t *testing.T) {
	w := newWorld(t)
	here, there := w.start(t, nil), w.start(t, nil)
	player, other := uuid.New(), uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	otherToken, _ := w.login(t, other, authn.RolePlayer)
	near := here.connect(t, token, "")
	far := there.connect(t, token, "")
	binary := there.connect(t, token, "", "loyalty.v1+proto")
	stranger := there.connect(t, otherToken, "")

	here.notify(t, player, 1, 3)
	there.notify(t, player, 4, 2)
	here.notify(t, other, 1, 1)
	for _, c := range []*client{near, far, binary} {
		c.expectTitles(t, 1, 5)
	}
	stranger.expectTitles(t, 1, 1) // and no notification of player
}

func TestFrame(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	for name, tt := range map[string]struct {
		offer    []string
		selected string
		kind     int
	}{
		"without subprotocol": {nil, "", gorilla.TextMessage},
		"JSON":                {[]string{"loyalty.v1"}, "loyalty.v1", gorilla.TextMessage},
		"protobuf":            {[]string{"loyalty.v1+proto"}, "loyalty.v1+proto", gorilla.BinaryMessage},
		"two subprotocols":    {[]string{"loyalty.v1", "loyalty.v1+proto"}, "loyalty.v1", gorilla.TextMessage},
		"unknown, then known": {[]string{"loyalty.v9", "loyalty.v1+proto"}, "loyalty.v1+proto", gorilla.BinaryMessage},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.connect(t, token, "", tt.offer...)
			if got := c.conn.Subprotocol(); got != tt.selected {
				t.Errorf("subprotocol %q, want %q", got, tt.selected)
			}
			r.notify(t, player, int(uuid.New().ID()), 1)
			kind, data, err := c.conn.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if kind != tt.kind {
				t.Errorf("message kind %d, want %d: %s", kind, tt.kind, data)
			}
		})
	}
}

func TestRedeliveredEventIsSentOnce(t *testing.T) {
	w := newWorld(t)
	here, there := w.start(t, nil), w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := here.connect(t, token, "")
	here.notify(t, player, 1, 2)
	there.notify(t, player, 1, 2) // the same events again, on another replica
	there.notify(t, player, 3, 1)
	c.expectTitles(t, 1, 3)
}

func TestConcurrentDelivery(t *testing.T) {
	const each, publishers = 40, 3
	w := newWorld(t)
	replicas := []*replica{w.start(t, nil), w.start(t, nil), w.start(t, nil)}
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	clients := []*client{
		replicas[0].connect(t, token, ""), replicas[1].connect(t, token, ""), replicas[2].connect(t, token, ""),
	}
	var publishing sync.WaitGroup
	for i, r := range replicas {
		publishing.Go(func() { r.notify(t, player, i*each, each) })
	}
	publishing.Wait()
	stored, err := w.store.Since(t.Context(), player, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != each*publishers {
		t.Fatalf("%d notifications are stored, want %d", len(stored), each*publishers)
	}
	for i, c := range clients {
		for _, want := range stored {
			if got := c.next(t).GetNotification().GetId(); got != want.ID.String() {
				t.Fatalf("client %d got notification %s, want %s (number %d)", i, got, want.ID, want.Seq)
			}
		}
	}
}

func TestReadState(t *testing.T) {
	w := newWorld(t)
	here, there := w.start(t, nil), w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	clients := []*client{
		here.connect(t, token, ""), there.connect(t, token, ""), there.connect(t, token, "", "loyalty.v1+proto"),
	}
	here.notify(t, player, 1, 3)
	var first string
	for _, c := range clients {
		first = c.next(t).GetNotification().GetId()
		c.expectTitles(t, 2, 3)
	}
	id := uuid.MustParse(first)
	// A repeated mark is published again, because the first message may have been lost.
	for _, ids := range [][]uuid.UUID{{id, uuid.New()}, {id}} {
		if unread, err := here.service.MarkRead(t.Context(), player, ids); err != nil || unread != 2 {
			t.Fatalf("MarkRead = %d, %v, want 2", unread, err)
		}
	}
	if unread, err := there.service.MarkAllRead(t.Context(), player); err != nil || unread != 0 {
		t.Fatalf("MarkAllRead = %d, %v, want 0", unread, err)
	}
	for i, c := range clients {
		for range 2 {
			some := c.next(t).GetRead()
			if len(some.GetIds()) != 1 || some.GetIds()[0] != first || some.GetAll() || some.GetUnread() != 2 {
				t.Errorf("client %d got %v, want one id and 2 unread", i, some)
			}
		}
		all := c.next(t).GetRead()
		if len(all.GetIds()) != 0 || !all.GetAll() || all.GetUnread() != 0 {
			t.Errorf("client %d got %v, want all: true and 0 unread", i, all)
		}
	}
}
