// Command scenarios plays the three scenarios of the platform: a player registers and gets the welcome bonus, staff assign a
// promotion and the player is notified live, and the player claims it. It fails if something does not happen.
//
//	go run ./examples/scenarios -url http://127.0.0.1:8080 -admin-email admin@example.com -admin-password …
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:8080", "base URL of the platform")
	email := flag.String("admin-email", "admin@example.com", "e-mail of the admin")
	password := flag.String("admin-password", "", "password of the admin")
	flag.Parse()
	if err := run(os.Stdout, *url, *email, *password); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run plays the scenarios and writes what happened to out.
func run(out io.Writer, url, email, password string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	admin, err := loyalty.New(url, loyalty.WithCredentials(email, password), loyalty.WithUserAgent("scenarios/1"))
	if err != nil {
		return err
	}
	player, user, err := register(ctx, admin, url)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "registered", user.Email, "and received the welcome bonus")
	promotion, err := assign(ctx, admin, player, user.ID)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "assigned", promotion.Title, "and notified the player live")
	transaction, err := claim(ctx, player, promotion.ID)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "claimed", transaction.Amount, "with transaction", transaction.ID)
	return player.Logout(ctx)
}

// register registers a player and waits for the notification of the welcome bonus.
func register(ctx context.Context, admin *loyalty.Client, url string) (*loyalty.Client, *loyalty.User, error) {
	welcome, err := welcomeBonus(ctx, admin)
	if err != nil {
		return nil, nil, err
	}
	email, password := fmt.Sprintf("player-%d@example.com", time.Now().UnixNano()), "a long enough phrase"
	player, err := loyalty.New(url, loyalty.WithCredentials(email, password))
	if err != nil {
		return nil, nil, err
	}
	user, err := player.Register(ctx, loyalty.RegisterRequest{Email: email, Password: password})
	if err != nil {
		return nil, nil, err
	}
	return player, user, listed(ctx, player, welcome)
}

// welcomeBonus returns the id of the available welcome bonus. It creates one if there is none.
func welcomeBonus(ctx context.Context, admin *loyalty.Client) (string, error) {
	created, err := admin.CreatePromotion(ctx, loyalty.PromotionInput{
		Title: "Welcome", Type: loyalty.PromotionTypeWelcomeBonus, Amount: "20.00", StartDate: "2026-01-01", EndDate: "2099-12-31",
	})
	if err == nil {
		return created.ID, nil
	}
	if !errors.Is(err, loyalty.CodePromotionExists) {
		return "", err
	}
	params := loyalty.ListPromotionsParams{Type: loyalty.PromotionTypeWelcomeBonus, Available: loyalty.Ptr(true)}
	for promotion, err := range admin.AllPromotions(ctx, params) {
		return promotion.ID, err
	}
	return "", errors.New("there is no available welcome bonus")
}

// listed waits until the player's notifications contain a promotion.
func listed(ctx context.Context, player *loyalty.Client, promotion string) error {
	for {
		for n, err := range player.AllNotifications(ctx, loyalty.ListNotificationsParams{}) {
			if err != nil {
				return err
			}
			if p, err := n.Promotion(); err == nil && p.ID == promotion {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not notified of the promotion %s: %w", promotion, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// assign assigns a new promotion to the player, who is listening, and waits until the player is notified.
func assign(ctx context.Context, admin, player *loyalty.Client, user string) (*loyalty.Promotion, error) {
	promotion, err := admin.CreatePromotion(ctx, loyalty.PromotionInput{
		Title: "For you", Type: loyalty.PromotionTypeBonus, Amount: "5", StartDate: "2026-01-01", EndDate: "2099-12-31",
	})
	if err != nil {
		return nil, err
	}
	assigned := make(chan error, 1)
	connected := func() {
		_, err := admin.Assign(ctx, promotion.ID, loyalty.AssignRequest{PlayerIDs: []string{user}})
		assigned <- err
	}
	for event, err := range player.Inbox(ctx, loyalty.InboxOptions{Connected: connected}) {
		if err != nil {
			return nil, err
		}
		if event.Notification == nil {
			continue
		}
		if p, err := event.Notification.Promotion(); err == nil && p.ID == promotion.ID {
			return promotion, <-assigned
		}
	}
	return nil, errors.New("the inbox has ended")
}

// claim claims a promotion twice. The second claim is refused with the transaction of the first one.
func claim(ctx context.Context, player *loyalty.Client, promotion string) (*loyalty.Transaction, error) {
	claimed, err := player.Claim(ctx, loyalty.ClaimRequest{PromotionID: promotion})
	if err != nil {
		return nil, err
	}
	_, err = player.Claim(ctx, loyalty.ClaimRequest{PromotionID: promotion})
	var refused *loyalty.Error
	if !errors.As(err, &refused) || !errors.Is(err, loyalty.CodePromotionAlreadyClaimed) {
		return nil, fmt.Errorf("the second claim was not refused: %w", err)
	}
	if refused.TransactionID != claimed.Transaction.ID {
		return nil, fmt.Errorf("the second claim names the transaction %s", refused.TransactionID)
	}
	me, err := player.GetMe(ctx)
	if err != nil {
		return nil, err
	}
	if me.Balance != claimed.Transaction.Amount {
		return nil, fmt.Errorf("the balance is %s, want %s", me.Balance, claimed.Transaction.Amount)
	}
	return &claimed.Transaction, nil
}
