package loyalty_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// BenchmarkGetPromotion compares a call of the client with the same call in hand-written code.
func BenchmarkGetPromotion(b *testing.B) {
	answer := []byte(`{"id":"019a0000-0000-7000-8000-000000000000","title":"Spring","description":"","isActive":true,"type":"BONUS",` +
		`"amount":"20.00","startDate":"2026-03-01","endDate":"2026-03-31","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	b.Cleanup(s.Close)
	b.Run("client", func(b *testing.B) {
		c, err := loyalty.New(s.URL, token())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if p, err := c.GetPromotion(b.Context(), "x"); err != nil || p.Title != "Spring" {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		for b.Loop() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL+promotions+"/x", http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer access")
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			var p loyalty.Promotion
			err = json.NewDecoder(response.Body).Decode(&p)
			response.Body.Close()
			if err != nil || p.Title != "Spring" {
				b.Fatal(err)
			}
		}
	})
}
