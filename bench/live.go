package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// The rows about live connections use the maximum number of sockets that a replica accepts from one player.
const (
	livePlayers      = 200
	socketsPerPlayer = 20
	liveSockets      = livePlayers * socketsPerPlayer
)

// assigned returns the event that the promotions service publishes when it assigns a promotion to a player.
func assigned(player, promotion string) (event.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return event.Event{}, err
	}
	now, active := time.Now(), true
	return notificationsv1event.NewNotificationEvent(id, now, &notificationsv1.NotificationEvent{
		UserId: player, EventType: notificationsv1.NotificationEventType_PROMOTION,
		Content: &promotionsv1.Promotion{
			Id: promotion, Title: "Offer", Description: "A bonus of 1.00 for you", IsActive: &active,
			Type: promotionsv1.PromotionType_BONUS, Amount: "1.00", StartDate: "2000-01-01", EndDate: "2999-01-01",
			CreatedAt: timestamppb.New(now), UpdatedAt: timestamppb.New(now),
		},
	})
}

// openLive opens liveSockets sockets at one replica of notifications, socketsPerPlayer for each player. After the return,
// the process has no work left from the handshakes.
func (f *fleet) openLive(ctx context.Context, p *process, receive func(i int, frame []byte)) (*sockets, error) {
	token := func(i int) string { return f.players[i%livePlayers].token }
	return openSettled(ctx, p, token, receive)
}

func openSettled(ctx context.Context, p *process, token func(int) string, receive func(int, []byte)) (*sockets, error) {
	s, err := openSockets(ctx, p.url, liveSockets, token, receive)
	if err != nil {
		return nil, err
	}
	if err := p.settled(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// startMinimal starts the minimal server. Its profiles are on its only listener.
func (e *Env) startMinimal(ctx context.Context) (*process, error) {
	if err := e.build(ctx); err != nil {
		return nil, err
	}
	address, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := e.start("minimal", e.programs.minimal, []string{"-listen", address})
	if err != nil {
		return nil, err
	}
	p.url, p.diagnostics = "http://"+address, "http://"+address
	return p, p.ready(ctx)
}

// noToken is the token of the sockets of the minimal server.
func noToken(int) string { return "none" }
