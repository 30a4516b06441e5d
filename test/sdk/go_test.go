package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"sync"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// TestGoExample runs the example of the Go SDK, which plays the three scenarios with a live inbox.
func TestGoExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	out, err := exec.CommandContext(t.Context(), "go", "run", "-C", "../../sdk/go", "./examples/scenarios",
		"-url", p.url(), "-admin-email", adminEmail, "-admin-password", adminPassword).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// rounds is the number of promotions in TestGoFaults: three faults, each during three calls.
const rounds = 9

// TestGoFaults restarts the platform, lets access tokens expire and drops all connections while staff create and assign
// promotions, and a player with a live inbox claims them. Nothing may be lost or done twice.
func TestGoFaults(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	front, tokens := startProxy(t, p.addr), newExpiring(t, p)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	connect := func(email, password string) *loyalty.Client {
		c, err := loyalty.New(front.url(), loyalty.WithHTTPClient(&http.Client{Transport: tokens}), loyalty.WithLogger(log),
			loyalty.WithCredentials(email, password), loyalty.WithTimeout(timeout), loyalty.WithMaxAttempts(100))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	staff := connect(adminEmail, adminPassword)
	const email, password = "anna@example.com", "a long enough phrase"
	player := connect(email, password)
	user, err := player.Register(t.Context(), loyalty.RegisterRequest{Email: email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	inbox := listen(t, player)
	faults := []func(){
		func() { t.Logf("dropped %d connections", front.drop()) },
		func() { p.kill(); p.start(); t.Log("restarted the platform") },
		tokens.expire,
	}
	paid := map[string]string{} // the transactions by promotion
	for i := range rounds {
		var wg sync.WaitGroup
		during := func(call int) {
			if call == i/len(faults) {
				wg.Go(faults[i%len(faults)])
			}
		}
		promotion, transaction, err := playRound(t.Context(), staff, player, user.ID, fmt.Sprintf("Round %d", i), during)
		wg.Wait()
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		paid[promotion] = transaction
	}
	eventually(t, "the player is notified of each promotion", func() error { return inbox.complete(paid) })
	checkEffects(t, staff, player, paid)
	if tokens.count == 0 {
		t.Error("no request had an expired token")
	}
	t.Logf("%d requests had an expired token; %d promotions were claimed", tokens.count, len(paid))
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

// checkEffects checks that each promotion exists once and was paid once, with the transaction that the claim returned.
func checkEffects(t *testing.T, staff, player *loyalty.Client, paid map[string]string) {
	t.Helper()
	promotions := 0
	for p, err := range staff.AllPromotions(t.Context(), loyalty.ListPromotionsParams{Title: "Round ", PageSize: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		if paid[p.ID] == "" {
			t.Errorf("the promotion %s (%s) was made by a repeated request", p.Title, p.ID)
		}
		promotions++
	}
	transactions := map[string]bool{}
	for tx, err := range player.AllMyTransactions(t.Context(), loyalty.ListMyTransactionsParams{PageSize: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		transactions[tx.ID] = true
	}
	for promotion, transaction := range paid {
		if !transactions[transaction] {
			t.Errorf("the transaction %s of the promotion %s is not in the ledger", transaction, promotion)
		}
	}
	me, err := player.GetMe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d.00", rounds)
	if promotions != rounds || len(transactions) != rounds || me.Balance != want {
		t.Errorf("got %d promotions, %d transactions and the balance %s, want %d, %d and %s",
			promotions, len(transactions), me.Balance, rounds, rounds, want)
	}
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
