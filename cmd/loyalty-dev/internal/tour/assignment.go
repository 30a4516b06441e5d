package tour

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

// assignment plays scenario 2: staff assigns a promotion to a player who is online and to one who is offline.
func (g *guide) assignment(ctx context.Context) error {
	g.step("The admin registers Stella as staff")
	if err := g.register(ctx, g.staff, "/api/v1/auth/register-staff", g.admin); err != nil {
		return err
	}
	g.step("Stella logs in")
	if err := g.login(ctx, g.staff); err != nil {
		return err
	}
	g.step("Stella drafts a bonus")
	if _, err := g.createPromotion(ctx, g.staff, &g.gift, map[string]any{
		"title": "Weekend Bonus", "description": "A little extra for the weekend", "type": bonus,
		"amount": "50", "startDate": daysFromToday(0), "endDate": daysFromToday(7), "draft": true,
	}, http.StatusCreated); err != nil {
		return err
	}
	g.step("She publishes the draft")
	path := "/api/v1/promotions/" + g.gift.ID + "/publish"
	if _, err := g.call(ctx, g.staff, "POST", path, nil, &g.gift, http.StatusOK); err != nil {
		return err
	}
	if err := expect(g.gift.State == "ACTIVE", "the state ACTIVE"); err != nil {
		return err
	}
	g.step("Ben registers and stays offline")
	if err := g.register(ctx, g.ben, "/api/v1/auth/register", nil); err != nil {
		return err
	}
	if err := g.assign(ctx); err != nil {
		return err
	}
	if err := g.readOnBothDevices(ctx); err != nil {
		return err
	}
	return g.readLater(ctx)
}

// assign assigns the promotion g.gift twice and checks the outcomes.
func (g *guide) assign(ctx context.Context) error {
	stranger := uuid.NewString() // a UUIDv4: for a new UUIDv7 the platform would wait, as the registration may be on its way
	players := []string{g.anna.id, g.ben.id, stranger}
	for _, round := range []struct{ title, outcome string }{
		{"Stella assigns the bonus to Anna, to Ben and to an unknown player", "ASSIGNED"},
		{"Stella assigns it again; nothing changes", "ALREADY_ASSIGNED"},
	} {
		g.step(round.title)
		var answer struct {
			Results []struct {
				PlayerID string `json:"player_id"`
				Outcome  string `json:"outcome"`
			} `json:"results"`
		}
		path := "/api/v1/promotions/" + g.gift.ID + "/assign"
		body := map[string]any{"player_ids": players}
		if _, err := g.call(ctx, g.staff, "POST", path, body, &answer, http.StatusOK); err != nil {
			return err
		}
		outcomes := map[string]string{}
		for _, r := range answer.Results {
			outcomes[r.PlayerID] = r.Outcome
		}
		for id, want := range map[string]string{
			g.anna.id: round.outcome, g.ben.id: round.outcome, stranger: "UNKNOWN_PLAYER",
		} {
			if err := expect(outcomes[id] == want, "outcome %s for player %s, got %q", want, id, outcomes[id]); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOnBothDevices shows that Anna receives the notification live, and that all her devices receive the read state.
func (g *guide) readOnBothDevices(ctx context.Context) error {
	g.step("Anna is online and receives the notification on her socket")
	live, err := g.sockets[0].await(ctx, "the bonus", notifies(g.gift))
	if err != nil {
		return err
	}
	id := live.Notification.ID

	g.step("Anna opens a second socket and marks the notification as read")
	if err := g.openSocket(ctx, "Anna's laptop"); err != nil {
		return err
	}
	var answer struct {
		Unread int `json:"unread"`
	}
	body := map[string]any{"ids": []string{id}}
	if _, err := g.call(ctx, g.anna, "POST", "/api/v1/notifications/read", body, &answer, http.StatusOK); err != nil {
		return err
	}
	for _, s := range g.sockets {
		update, err := s.await(ctx, "the read state", func(f frame) bool { return f.Read != nil })
		if err != nil {
			return err
		}
		got := update.Read
		if err := expect(len(got.IDs) == 1 && got.IDs[0] == id && got.Unread == answer.Unread,
			"%s to be read, and %d notifications to be unread", id, answer.Unread); err != nil {
			return err
		}
	}
	g.remark("Both sockets received the new read state.")
	return nil
}

// readLater shows that Ben, who was offline, finds his notification.
func (g *guide) readLater(ctx context.Context) error {
	g.step("Ben logs in and finds the notification unread")
	if err := g.login(ctx, g.ben); err != nil {
		return err
	}
	err := g.retry(ctx, func() (bool, error) {
		var list notificationList
		_, err := g.call(ctx, g.ben, "GET", "/api/v1/notifications?unread=true", nil, &list, http.StatusOK)
		for _, n := range list.Notifications {
			if n.Content.ID == g.gift.ID {
				return true, err
			}
		}
		return false, err
	})
	if err != nil {
		return err
	}
	g.step("Ben marks all notifications as read")
	var answer struct {
		Unread *int `json:"unread"`
	}
	body := map[string]any{"all": true}
	if _, err := g.call(ctx, g.ben, "POST", "/api/v1/notifications/read", body, &answer, http.StatusOK); err != nil {
		return err
	}
	return expect(answer.Unread != nil && *answer.Unread == 0, "no unread notifications")
}
