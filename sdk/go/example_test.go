//nolint:testableexamples // the examples need a platform; the compiler checks them
package loyalty_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

func Example() {
	client, err := loyalty.New("https://loyalty.example", loyalty.WithCredentials("anna@example.com", "a long enough phrase"))
	if err != nil {
		log.Fatal(err)
	}
	me, err := client.GetMe(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.Email, me.Balance)
}

// A session can be continued after a restart of the program.
func ExampleWithTokens() {
	var stored loyalty.Tokens // from a file, for example
	client, err := loyalty.New("https://loyalty.example", loyalty.WithTokens(stored),
		loyalty.WithTokenObserver(func(t loyalty.Tokens) { stored = t }), loyalty.WithLogger(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Logout(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func ExampleClient_AllPromotions() {
	var client *loyalty.Client
	params := loyalty.ListPromotionsParams{Available: loyalty.Ptr(true)}
	for promotion, err := range client.AllPromotions(context.Background(), params) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(promotion.Title)
	}
}

func ExampleClient_Claim() {
	var client *loyalty.Client
	_, err := client.Claim(context.Background(), loyalty.ClaimRequest{PromotionID: "019a0000-0000-7000-8000-000000000000"})
	var refused *loyalty.Error
	switch {
	case errors.Is(err, loyalty.CodePromotionAlreadyClaimed) && errors.As(err, &refused):
		fmt.Println("paid by", refused.TransactionID)
	case err != nil:
		log.Fatal(err)
	}
}

// The key makes it safe to repeat the call after a restart of the program.
func ExampleWithIdempotencyKey() {
	var client *loyalty.Client
	input := loyalty.PromotionInput{
		Title: "Spring", Type: loyalty.PromotionTypeBonus, Amount: "20.00", StartDate: "2026-03-01", EndDate: "2026-03-31",
	}
	_, err := client.CreatePromotion(context.Background(), input, loyalty.WithIdempotencyKey("campaign-17"))
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleClient_Inbox() {
	var client *loyalty.Client
	var lastID string
	for event, err := range client.Inbox(context.Background(), loyalty.InboxOptions{Since: lastID}) {
		switch {
		case err != nil:
			log.Fatal(err)
		case event.Notification != nil:
			lastID = event.Notification.ID
			fmt.Println("store", lastID, "to resume after it")
		case event.Read != nil:
			fmt.Println(event.Read.Unread, "unread notifications")
		case event.Gap != nil:
			fmt.Println("list the notifications again:", event.Gap.Reason)
		}
	}
}
