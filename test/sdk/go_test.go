package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// TestGoExample runs the example of the Go SDK, which plays the three scenarios with a live inbox.
func TestGoExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	out, err := command(t, "go", "run", "-C", "../../sdk/go", "./examples/scenarios",
		"-url", p.url(), "-admin-email", adminEmail, "-admin-password", adminPassword).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestGoFaults restarts the platform, lets access tokens expire and drops all connections while staff create and assign
// promotions, and a player with a live inbox claims them. Nothing may be lost or done twice.
func TestGoFaults(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	_, user := playerOf(t, p)
	f := startFaulty(t, p)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	connect := func(email, password string) *loyalty.Client {
		c, err := loyalty.New(f.url(), loyalty.WithLogger(log), loyalty.WithCredentials(email, password),
			loyalty.WithTimeout(timeout), loyalty.WithMaxAttempts(100))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	staff, player := connect(adminEmail, adminPassword), connect(playerEmail, playerPassword)
	inbox := listen(t, player)
	paid := map[string]string{} // the transactions by promotion
	for i := range rounds {
		during := func(call int) { f.during(i, call) }
		promotion, transaction, err := playRound(t.Context(), staff, player, user.ID, fmt.Sprintf("Round %d", i), during)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		paid[promotion] = transaction
	}
	eventually(t, "the player is notified of each promotion", func() error { return inbox.complete(paid) })
	f.check(paid)
}

// playRound creates, assigns and claims a promotion. It calls during before each of the three calls. It returns the promotion
// and the transaction.
func playRound(
	ctx context.Context, staff, player *loyalty.Client, user, title string, during func(call int),
) (promotion, transaction string, err error) {
	during(0)
	created, err := staff.CreatePromotion(ctx, loyalty.PromotionInput{
		Title: title, Type: loyalty.PromotionTypeBonus, Amount: "1", StartDate: "2026-01-01", EndDate: "2099-12-31",
	})
	if err != nil {
		return "", "", fmt.Errorf("create: %w", err)
	}
	during(1)
	assigned, err := staff.Assign(ctx, created.ID, loyalty.AssignRequest{PlayerIDs: []string{user}})
	if err != nil {
		return "", "", fmt.Errorf("assign: %w", err)
	}
	if got := assigned.Results[0].Outcome; got != loyalty.AssignOutcomeAssigned {
		return "", "", fmt.Errorf("assign: the outcome is %s", got)
	}
	during(2)
	claim, err := player.Claim(ctx, loyalty.ClaimRequest{PromotionID: created.ID})
	if err != nil {
		return "", "", fmt.Errorf("claim: %w", err)
	}
	return created.ID, claim.Transaction.ID, nil
}

// inbox counts the notifications of each promotion.
type inbox struct {
	mu       sync.Mutex
	received map[string]int
	listed   map[string]bool // notifications that were listed after a gap
	err      error
}

// listen reads the live inbox of a player until the test ends. It returns when the inbox is open.
func listen(t *testing.T, player *loyalty.Client) *inbox {
	t.Helper()
	i := &inbox{received: map[string]int{}, listed: map[string]bool{}}
	open := make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event, err := range player.Inbox(ctx, loyalty.InboxOptions{Connected: func() { once.Do(func() { close(open) }) }}) {
			switch {
			case err != nil:
				i.fail(err)
			case event.Gap != nil:
				t.Logf("gap: %s", event.Gap.Reason)
				for n, err := range player.AllNotifications(ctx, loyalty.ListNotificationsParams{}) {
					i.add(n, err, true)
				}
			case event.Notification != nil:
				i.add(*event.Notification, nil, false)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-open
	return i
}

func (i *inbox) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

// add counts a notification. One that was listed after a gap counts once, even if it is also received live.
func (i *inbox) add(n loyalty.Notification, err error, listed bool) {
	p, contentErr := n.Promotion()
	if err = errors.Join(err, contentErr); err != nil {
		i.fail(err)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case listed:
		i.received[p.ID], i.listed[n.ID] = 1, true
	case !i.listed[n.ID]:
		i.received[p.ID]++
	}
}

// complete returns nil if the inbox has received one notification of each promotion, and no gap.
func (i *inbox) complete(paid map[string]string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil && !errors.Is(i.err, context.Canceled) {
		return i.err
	}
	for promotion := range paid {
		if i.received[promotion] != 1 {
			return fmt.Errorf("the promotion %s was received %d times", promotion, i.received[promotion])
		}
	}
	if len(i.received) != len(paid) {
		return fmt.Errorf("%d promotions were received, want %d", len(i.received), len(paid))
	}
	return nil
}
