package tour

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// person is a user of the platform. Requests without a token are anonymous.
type person struct {
	name, email, password string
	id, token, refresh    string
}

// The parts of the API responses that the tour uses.
type (
	user struct {
		ID      string `json:"id"`
		Email   string `json:"email"`
		Balance string `json:"balance"`
	}
	promotion struct {
		ID     string `json:"id"`
		Amount string `json:"amount"`
		State  string `json:"state"`
	}
	promotionList struct {
		Promotions []promotion `json:"promotions"`
	}
	assignment struct {
		PromotionID string `json:"promotion_id"`
		Claimed     bool   `json:"claimed"`
	}
	notification struct {
		ID      string    `json:"id"`
		Content promotion `json:"content"`
	}
	notificationList struct {
		Notifications []notification `json:"notifications"`
	}
	problem struct {
		Code          string `json:"code"`
		TransactionID string `json:"transactionId"`
	}
)

// call sends a request as a person and prints the request and the response. It stores the decoded response in into. It
// returns an error if want does not contain the status. body and into may be nil.
func (g *guide) call(
	ctx context.Context, caller *person, method, path string, body, into any, want ...int,
) (status int, err error) {
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, g.url+path, bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if caller.token != "" {
		r.Header.Set("Authorization", "Bearer "+caller.token)
	}
	g.request(caller.name, method, path, content)
	begun := time.Now()
	resp, err := g.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	g.answer(resp.Status, time.Since(begun), answer, resp.StatusCode < 400)
	if !slices.Contains(want, resp.StatusCode) {
		return 0, fmt.Errorf("expected status %d, got %s", want[0], resp.Status)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			return 0, fmt.Errorf("decode the answer: %w", err)
		}
	}
	return resp.StatusCode, nil
}

// retry calls check until check returns true or an error. It returns an error after timeout.
func (g *guide) retry(ctx context.Context, check func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := check()
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no result within %v", timeout)
		}
	}
}
