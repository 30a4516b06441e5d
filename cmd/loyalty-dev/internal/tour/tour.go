// Package tour plays the platform's three scenarios against a running instance, as its clients would: through the public
// REST API and the socket. It prints every step with the JSON that travelled and ends with an error at the first answer
// that is not the expected one.
package tour

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Options say what to tour and how to show it.
type Options struct {
	// URL is where the platform is, "http://127.0.0.1:8080".
	URL string
	// AdminEmail and AdminPassword log the admin in.
	AdminEmail, AdminPassword string
	// Colour makes the output colourful, for a terminal.
	Colour bool
}

// patience is how long the tour waits for what travels behind the scenes, and for one answer.
const patience = 15 * time.Second

// guide leads through the tour: it knows the platform and the people.
type guide struct {
	*printer
	url    string
	client *http.Client

	admin, staff, anna, ben *person
	// welcome is the promotion that greets new players, gift the one that the staff assigns.
	welcome, gift promotion
	// sockets are Anna's.
	sockets []*socket
}

// Play tours the platform at o.URL and shows it on out.
func Play(ctx context.Context, o Options, out io.Writer) error {
	run := strings.ToLower(rand.Text()[:8]) // so that a second tour does not meet the first one's people
	player := func(name string) *person {
		return &person{name: name, email: strings.ToLower(name) + "." + run + "@example.com", password: rand.Text()}
	}
	g := &guide{
		printer: &printer{out: out, colour: o.Colour},
		url:     strings.TrimSuffix(o.URL, "/"),
		client:  &http.Client{Timeout: patience},
		admin:   &person{name: "Admin", email: o.AdminEmail, password: o.AdminPassword},
		staff:   player("Stella"),
		anna:    player("Anna"),
		ben:     player("Ben"),
	}
	defer g.client.CloseIdleConnections()
	defer g.closeSockets()
	if err := g.awaitHealth(ctx); err != nil {
		return err
	}
	for _, scenario := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Scenario 1: a player registers", g.registration},
		{"Scenario 2: the staff assigns a promotion", g.assignment},
		{"Scenario 3: a player claims a promotion", g.claiming},
		{"Good-bye", g.farewell},
	} {
		g.chapter(scenario.title)
		if err := scenario.play(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.New("the tour was interrupted")
			}
			return fmt.Errorf("step %d, %s: %w", g.number, g.title, err)
		}
	}
	g.end(fmt.Sprintf("All %d steps went as they should.", g.number))
	return nil
}

// awaitHealth gives a platform that is still starting the time to finish.
func (g *guide) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/health", nil)
		if err != nil {
			return fmt.Errorf("%s is no address of a platform: %w", g.url, err)
		}
		resp, err := g.client.Do(r)
		if err != nil {
			return fmt.Errorf("nothing answers at %s: start the platform with: go run ./cmd/loyalty-dev", g.url)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the platform at %s is not ready: /health answers %s", g.url, resp.Status)
		}
	}
}

func (g *guide) closeSockets() {
	for _, s := range g.sockets {
		s.close()
	}
}

// expect is an error unless ok.
func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("expected "+format, args...)
}
