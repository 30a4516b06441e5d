package tour

import (
	"context"
	"net/http"
	"time"
)

const welcomeBonus, bonus = "WELCOME_BONUS", "BONUS"

// registration plays scenario 1: a new player is assigned the welcome bonus and receives a notification.
func (g *guide) registration(ctx context.Context) error {
	g.step("The admin logs in")
	if err := g.login(ctx, g.admin); err != nil {
		return err
	}
	if err := g.ensureWelcomeBonus(ctx); err != nil {
		return err
	}

	g.step("Anna registers")
	if err := g.register(ctx, g.anna, "/api/v1/auth/register", nil); err != nil {
		return err
	}
	g.step("Anna logs in and opens a socket")
	if err := g.login(ctx, g.anna); err != nil {
		return err
	}
	if err := g.openSocket(ctx, "Anna's phone"); err != nil {
		return err
	}
	return g.findWelcomeNotification(ctx)
}

// ensureWelcomeBonus finds the available welcome bonus, or creates one.
func (g *guide) ensureWelcomeBonus(ctx context.Context) error {
	g.step("The admin lists the available welcome bonuses")
	var list promotionList
	path := "/api/v1/promotions?type=" + welcomeBonus + "&available=true"
	if _, err := g.call(ctx, g.admin, "GET", path, nil, &list, http.StatusOK); err != nil {
		return err
	}
	if len(list.Promotions) > 0 {
		g.welcome = list.Promotions[0]
		g.remark("The tour uses this welcome bonus.")
		return nil
	}
	g.step("The admin creates a welcome bonus")
	// The periods of welcome bonuses must not overlap. No bonus is available today, but one may start within the next 30 days.
	for _, days := range []int{30, 0} {
		status, err := g.createPromotion(ctx, g.admin, &g.welcome, map[string]any{
			"title": "Welcome Bonus", "description": "Get a welcome bonus on registration", "type": welcomeBonus,
			"amount": "20.00", "startDate": daysFromToday(0), "endDate": daysFromToday(days),
		}, http.StatusCreated, http.StatusConflict)
		if err != nil || status == http.StatusCreated {
			return err
		}
		g.remark("Another welcome bonus overlaps this period.")
	}
	return expect(false, "to be able to create a welcome bonus for today")
}

// findWelcomeNotification waits for the notification of the welcome bonus. If it was stored before the socket opened, it is
// in the list. Otherwise it arrives on the socket.
func (g *guide) findWelcomeNotification(ctx context.Context) error {
	g.step("Anna finds the notification of the welcome bonus")
	var list notificationList
	if _, err := g.call(ctx, g.anna, "GET", "/api/v1/notifications?unread=true", nil, &list, http.StatusOK); err != nil {
		return err
	}
	for _, n := range list.Notifications {
		if n.Content.ID == g.welcome.ID {
			g.remark("The notification was stored before the socket opened.")
			return nil
		}
	}
	if _, err := g.sockets[0].await(ctx, "the welcome bonus", notifies(g.welcome)); err != nil {
		return err
	}
	g.remark("The notification arrived on the socket.")
	return nil
}

func (g *guide) createPromotion(
	ctx context.Context, caller *person, into *promotion, body map[string]any, want ...int,
) (int, error) {
	return g.call(ctx, caller, "POST", "/api/v1/promotions", body, into, want...)
}

// register registers p. by is the admin who registers a member of staff; it is nil if p registers as a player.
func (g *guide) register(ctx context.Context, p *person, path string, by *person) error {
	if by == nil {
		by = &person{name: p.name}
	}
	var u user
	body := map[string]any{"email": p.email, "password": p.password}
	if _, err := g.call(ctx, by, "POST", path, body, &u, http.StatusCreated); err != nil {
		return err
	}
	p.id = u.ID
	return expect(u.ID != "" && u.Email == p.email, "the new user with its id")
}

func (g *guide) login(ctx context.Context, p *person) error {
	var session struct {
		AccessToken  string `json:"accessToken"`
		RefreshToken string `json:"refreshToken"`
		User         user   `json:"user"`
	}
	body := map[string]any{"email": p.email, "password": p.password, "refreshTokenIn": "BODY"}
	_, err := g.call(ctx, &person{name: p.name}, "POST", "/api/v1/auth/login", body, &session, http.StatusOK)
	if err != nil {
		return err
	}
	p.id, p.token, p.refresh = session.User.ID, session.AccessToken, session.RefreshToken
	return expect(p.token != "" && p.refresh != "", "both tokens")
}

// daysFromToday returns the date that is the given number of days after today, in UTC.
func daysFromToday(days int) string {
	return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly)
}
