// Package tour plays three scenarios against a running platform: a player registers, the staff assigns a promotion, and a
// player claims a promotion. The tour then redeems a code, restricts a player, enrols a second factor, reads the audit trail
// and logs out. It is a client of the public REST API and the WebSocket. It prints every step with its requests, responses
// and frames. It stops with an error at the first unexpected response.
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

// Options are the parameters of a tour.
type Options struct {
	// URL is the base URL of the platform, such as "http://127.0.0.1:8080".
	URL string
	// AdminEmail and AdminPassword are the credentials of the admin.
	AdminEmail, AdminPassword string
	// Colour enables terminal colours in the output.
	Colour bool
}

// timeout is the time limit for one response and for the delivery of one event.
const timeout = 15 * time.Second

// guide holds the state of a tour: the connection to the platform, the people and the promotions.
type guide struct {
	*printer
	url    string
	client *http.Client

	admin, staff, anna, ben *person
	// newPerson returns a person who is not registered yet.
	newPerson func(name string) *person
	// welcome is the welcome bonus. gift is the promotion that Stella assigns.
	welcome, gift promotion
	// sockets are the open sockets of Anna.
	sockets []*socket
}

// Play runs the tour against the platform at o.URL and prints it to out. If a step fails, the error names the step.
func Play(ctx context.Context, o Options, out io.Writer) error {
	run := strings.ToLower(rand.Text()[:8]) // makes e-mail addresses unique, so that the tour can be repeated
	newPerson := func(name string) *person {
		return &person{name: name, email: strings.ToLower(name) + "." + run + "@example.com", password: rand.Text()}
	}
	g := &guide{
		printer: &printer{out: out, colour: o.Colour},
		url:     strings.TrimSuffix(o.URL, "/"),
		client:  &http.Client{Timeout: timeout},
		admin:   &person{name: "Admin", email: o.AdminEmail, password: o.AdminPassword},
		staff:   newPerson("Stella"),
		anna:    newPerson("Anna"),
		ben:     newPerson("Ben"),

		newPerson: newPerson,
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
		{"A player redeems a code", g.redeeming},
		{"Restriction of a player", g.restriction},
		{"Second factor and audit trail", g.security},
		{"Logout", g.logout},
	} {
		g.chapter(scenario.title)
		if err := scenario.play(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.New("the tour was interrupted")
			}
			return fmt.Errorf("step %d, %s: %w", g.stepNumber, g.stepTitle, err)
		}
	}
	g.end(fmt.Sprintf("All %d steps succeeded.", g.stepNumber))
	return nil
}

func (g *guide) closeSockets() {
	for _, s := range g.sockets {
		s.close()
	}
}

// expect returns an error unless ok is true.
func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("expected "+format, args...)
}
