package sdk_test

import (
	"context"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// TestGoInbox resumes after an unknown notification, marks a notification as read, and ends the player's sessions while the
// inbox is open.
func TestGoInbox(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	admin, user := playerOf(t, p)
	player := connect(t, p, playerEmail, playerPassword)
	open, events := make(chan struct{}, 10), make(chan loyalty.Event, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		options := loyalty.InboxOptions{Since: user.ID, Connected: func() { open <- struct{}{} }} // not the id of a notification
		for event, err := range player.Inbox(ctx, options) {
			if err == nil {
				events <- event
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-open
	if e := <-events; e.Gap == nil {
		t.Fatalf("got %+v, want a gap after an unknown notification", e)
	}
	receive := func(title string) string {
		t.Helper()
		promotion := give(t, admin, user, title)
		e := <-events
		if e.Notification == nil {
			t.Fatalf("got %+v, want the notification of %s", e, title)
		}
		if got, err := e.Notification.Promotion(); err != nil || got.ID != promotion {
			t.Fatalf("got the notification of %+v, %v, want %s", got, err, title)
		}
		return e.Notification.ID
	}
	first := receive("First")
	if _, err := player.MarkRead(t.Context(), loyalty.MarkReadRequest{IDs: []string{first}}); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Read == nil || len(e.Read.IDs) != 1 || e.Read.IDs[0] != first || e.Read.Unread != 0 {
		t.Fatalf("got %+v, want the read state of the first notification", e)
	}
	if err := admin.EndSessions(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	<-open // with a new session
	receive("Second")
	if _, err := player.GetMe(t.Context()); err != nil {
		t.Error(err)
	}
}
