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
	connect := func(email, password string) *loyalty.Client {
		c, err := loyalty.New(p.url(), loyalty.WithCredentials(email, password), loyalty.WithTimeout(timeout))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	admin := connect(adminEmail, adminPassword)
	const email, password = "anna@example.com", "a long enough phrase"
	player := connect(email, password)
	user, err := player.Register(t.Context(), loyalty.RegisterRequest{Email: email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
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
	give := func(title string) string {
		t.Helper()
		created, err := admin.CreatePromotion(t.Context(), loyalty.PromotionInput{
			Title: title, Type: loyalty.PromotionTypeBonus, Amount: "1", StartDate: "2026-01-01", EndDate: "2099-12-31",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Assign(t.Context(), created.ID, loyalty.AssignRequest{PlayerIDs: []string{user.ID}}); err != nil {
			t.Fatal(err)
		}
		e := <-events
		if e.Notification == nil {
			t.Fatalf("got %+v, want the notification of %s", e, title)
		}
		if got, err := e.Notification.Promotion(); err != nil || got.ID != created.ID {
			t.Fatalf("got the notification of %+v, %v, want %s", got, err, title)
		}
		return e.Notification.ID
	}
	first := give("First")
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
	give("Second")
	if _, err := player.GetMe(t.Context()); err != nil {
		t.Error(err)
	}
}
