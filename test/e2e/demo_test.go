package e2e_test

import (
	"errors"
	"strings"
	"testing"
)

// TestDemo checks that --demo creates the demo data on an empty platform, and does not change it at the next start.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	for _, start := range []string{"first", "second"} {
		d := runDev(t, data, "kafka", "--demo")
		admin := d.admin(t)
		eventually(t, "the demo data exists after the "+start+" start", func() error {
			if output := d.Output(); !strings.Contains(output, "Ready") {
				return errors.New(output)
			}
			return nil
		})
		promotions := admin.call(200, "GET", "/api/v1/promotions?available=true", nil)
		if got := len(promotions.list("promotions")); got != 3 {
			t.Errorf("got %d promotions after the %s start, want 3", got, start)
		}
		for _, email := range []string{"anna@demo.example", "ben@demo.example", "carla@demo.example"} {
			player := client{t: t, url: d.url, email: email}.login("demo-password")
			list := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil)
			if got := len(list.list("assignments")); got != 3 {
				t.Errorf("%s has %d promotions after the %s start, want 3", email, got, start)
			}
		}
		d.stop(t)
	}
}
