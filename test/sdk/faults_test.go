package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// rounds is the number of promotions in a test with faults: three faults, each during three calls.
const rounds = 9

// faulty is a platform whose clients lose their connections, whose tokens expire early, and that restarts.
type faulty struct {
	t      *testing.T
	p      *platform
	front  *proxy
	tokens *expiring
	fault  sync.WaitGroup // the fault in progress
}

// startFaulty puts two proxies in front of a platform: one drops connections, the other one lets tokens expire.
func startFaulty(t *testing.T, p *platform) *faulty {
	t.Helper()
	tokens := newExpiring(t, p)
	gateway := strings.TrimPrefix(startGateway(t, p.url(), tokens), "http://")
	return &faulty{t: t, p: p, front: startProxy(t, gateway), tokens: tokens}
}

func (f *faulty) url() string { return f.front.url() }

// during causes the fault of a call of a round, if it has one. It returns at once. Only one fault is in progress.
func (f *faulty) during(round, call int) {
	faults := []func(){
		func() { f.t.Logf("dropped %d connections", f.front.drop()) },
		func() { f.p.kill(); f.p.start(); f.t.Log("restarted the platform") },
		f.tokens.expire,
	}
	if call != round/len(faults) {
		return
	}
	f.fault.Wait()
	f.fault.Go(faults[round%len(faults)])
}

// check checks the effects of all rounds. paid has the transactions by promotion.
func (f *faulty) check(paid map[string]string) {
	f.t.Helper()
	f.fault.Wait()
	if len(paid) != rounds {
		f.t.Errorf("%d promotions were claimed, want %d", len(paid), rounds)
	}
	checkEffects(f.t, connect(f.t, f.p, adminEmail, adminPassword), connect(f.t, f.p, playerEmail, playerPassword), paid)
	if f.tokens.count == 0 {
		f.t.Error("no request had an expired token")
	}
	f.t.Logf("%d requests had an expired token; %d promotions were claimed", f.tokens.count, len(paid))
}

// playFaults runs a program that plays the rounds with an SDK. Its arguments are the URL, the e-mail and the password of an
// admin and of a player, and the id of the player. It prints an object with the round and the number of the call before each
// call, and one with the transactions by promotion at the end. Its other output is logged.
func playFaults(t *testing.T, program func(arguments ...string) *exec.Cmd) {
	t.Helper()
	p := startPlatform(t)
	_, user := playerOf(t, p)
	f := startFaulty(t, p)
	cmd := program(f.url(), adminEmail, adminPassword, playerEmail, playerPassword, user.ID)
	var paid map[string]string
	for line := range startLines(t, cmd).lines {
		var next struct {
			Round, Call int
			Paid        map[string]string
		}
		switch err := json.Unmarshal([]byte(line), &next); {
		case err != nil:
			t.Log(line)
		case next.Paid != nil:
			paid = next.Paid
		default:
			f.during(next.Round, next.Call)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f.check(paid)
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

// startGateway starts an HTTP server that forwards requests with a transport. If the platform does not answer, it drops the
// connection.
func startGateway(t *testing.T, to string, transport http.RoundTripper) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, _ error) {
			if r.Context().Err() != context.Canceled {
				panic(http.ErrAbortHandler)
			}
		},
	})
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
