package sdk_test

import (
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

const playerEmail, playerPassword = "anna@example.com", "a long enough phrase"

// connect returns a Go client.
func connect(t *testing.T, p *platform, email, password string) *loyalty.Client {
	t.Helper()
	c, err := loyalty.New(p.url(), loyalty.WithCredentials(email, password), loyalty.WithTimeout(timeout))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// playerOf registers a player. It returns a client of the admin, and the player.
func playerOf(t *testing.T, p *platform) (*loyalty.Client, *loyalty.User) {
	t.Helper()
	admin := connect(t, p, adminEmail, adminPassword)
	user, err := admin.Register(t.Context(), loyalty.RegisterRequest{Email: playerEmail, Password: playerPassword})
	if err != nil {
		t.Fatal(err)
	}
	return admin, user
}

// give assigns a new promotion to a player, and returns its id.
func give(t *testing.T, admin *loyalty.Client, user *loyalty.User, title string) string {
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
	return created.ID
}
