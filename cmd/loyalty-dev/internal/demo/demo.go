// Package demo creates a few promotions and players through the public API. It does not change existing promotions and
// players.
package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
)

// Password is the password of every demo player.
const Password = "demo-password"

// Players returns the e-mail addresses of the demo players.
func Players() []string {
	return []string{"anna@demo.example", "ben@demo.example", "carla@demo.example"}
}

// offer is a demo promotion. It lasts for one month. Fill assigns active offers to the demo players, except the welcome
// bonus, which players get when they register.
type offer struct {
	title, description, amount string
	kind                       promotionsv1.PromotionType
	state                      promotionsv1.PromotionState
}

func offers() []offer {
	const (
		welcome   = promotionsv1.PromotionType_WELCOME_BONUS
		vip       = promotionsv1.PromotionType_VIP_PROMOTION
		bonus     = promotionsv1.PromotionType_BONUS
		active    = promotionsv1.PromotionState_ACTIVE
		scheduled = promotionsv1.PromotionState_SCHEDULED
		paused    = promotionsv1.PromotionState_PAUSED
		draft     = promotionsv1.PromotionState_DRAFT
	)
	return []offer{
		{"Welcome Bonus", "Get a welcome bonus on registration", "20.00", welcome, active},
		{"VIP Weekend", "A thank-you to our most loyal players", "150.00", vip, active},
		{"Free Spin Friday", "Something for the end of the week", "5.00", bonus, active},
		{"Next Month's Surprise", "Begins in a week", "10.00", bonus, scheduled},
		{"Happy Hour", "On hold for now", "2.50", bonus, paused},
		{"Birthday Gift", "Not published yet", "25.00", vip, draft},
	}
}

// promotion returns the promotion to create for the offer.
func (o offer) promotion(today time.Time) *promotionsv1.Promotion {
	if o.state == promotionsv1.PromotionState_SCHEDULED {
		today = today.AddDate(0, 0, 7)
	}
	active := o.state != promotionsv1.PromotionState_PAUSED
	draft := o.state == promotionsv1.PromotionState_DRAFT
	p := &promotionsv1.Promotion{
		Title: o.title, Description: o.description, Type: o.kind, Amount: o.amount, Draft: &draft,
		StartDate: today.Format(time.DateOnly), EndDate: today.AddDate(0, 1, 0).Format(time.DateOnly),
	}
	if !draft {
		p.IsActive = &active
	}
	if o.state == promotionsv1.PromotionState_ACTIVE && o.kind == promotionsv1.PromotionType_BONUS {
		p.Limits = &promotionsv1.PromotionLimits{MaxClaims: 100, Budget: "500.00", ClaimWithinHours: 72}
	}
	return p
}

// filler calls the API as the admin.
type filler struct {
	auth       usersv1connect.AuthServiceClient
	users      usersv1connect.UserServiceClient
	promotions promotionsv1connect.PromotionServiceClient
	token      string
}

// Fill creates the missing promotions and players and assigns the promotions. It is idempotent. The platform at url must be
// ready, and the admin must exist.
func Fill(ctx context.Context, url, admin, password string) error {
	client := &http.Client{Timeout: 10 * time.Second}
	f := &filler{
		auth:       usersv1connect.NewAuthServiceClient(client, url),
		users:      usersv1connect.NewUserServiceClient(client, url),
		promotions: promotionsv1connect.NewPromotionServiceClient(client, url),
	}
	session, err := f.auth.Login(ctx, connect.NewRequest(&usersv1.LoginRequest{
		Email: admin, Password: password, RefreshTokenIn: usersv1.RefreshTokenIn_BODY,
	}))
	if err != nil {
		return fmt.Errorf("log in as %s: %w", admin, err)
	}
	f.token = session.Msg.GetAccessToken()
	// Create the promotions first: a player gets the welcome bonus at registration.
	assigned, err := f.addPromotions(ctx)
	if err != nil {
		return err
	}
	players, err := f.addPlayers(ctx)
	if err != nil {
		return err
	}
	for _, promotion := range assigned { // also existing promotions: an earlier start may have ended before this step
		if err := f.assign(ctx, promotion, players); err != nil {
			return err
		}
	}
	return nil
}

// addPromotions creates the offers that do not exist. It skips an offer whose type allows only one active promotion if
// there is another one. It returns the ids of the promotions to assign.
func (f *filler) addPromotions(ctx context.Context) (assigned []string, err error) {
	for _, o := range offers() {
		p, err := f.find(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("list the promotions: %w", err)
		}
		if p == nil {
			created, err := f.promotions.CreatePromotion(ctx, as(f,
				&promotionsv1.CreatePromotionRequest{Promotion: o.promotion(time.Now().UTC())}))
			if connect.CodeOf(err) == connect.CodeAlreadyExists {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("create %q: %w", o.title, err)
			}
			p = created.Msg
		}
		if p.GetState() == promotionsv1.PromotionState_ACTIVE && p.GetType() != promotionsv1.PromotionType_WELCOME_BONUS {
			assigned = append(assigned, p.GetId())
		}
	}
	return assigned, nil
}

// find returns the newest promotion of an offer that has not expired, or nil.
func (f *filler) find(ctx context.Context, o offer) (*promotionsv1.Promotion, error) {
	list, err := f.promotions.ListPromotions(ctx, as(f, &promotionsv1.ListPromotionsRequest{
		Title: o.title, Type: o.kind, State: []promotionsv1.PromotionState{
			promotionsv1.PromotionState_DRAFT, promotionsv1.PromotionState_SCHEDULED, promotionsv1.PromotionState_ACTIVE,
			promotionsv1.PromotionState_PAUSED, promotionsv1.PromotionState_ARCHIVED, promotionsv1.PromotionState_EXHAUSTED,
		},
	}))
	if err != nil || len(list.Msg.GetPromotions()) == 0 {
		return nil, err
	}
	return list.Msg.GetPromotions()[0], nil
}

// addPlayers registers the missing demo players. It returns the ids of all demo players.
func (f *filler) addPlayers(ctx context.Context) (ids []string, err error) {
	for _, email := range Players() {
		user, err := f.auth.Register(ctx, connect.NewRequest(&usersv1.RegisterRequest{Email: email, Password: Password}))
		switch {
		case err == nil:
			ids = append(ids, user.Msg.GetId())
			continue
		case connect.CodeOf(err) != connect.CodeAlreadyExists:
			return nil, fmt.Errorf("register %s: %w", email, err)
		}
		list, err := f.users.ListUsers(ctx, as(f, &usersv1.ListUsersRequest{Email: email}))
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", email, err)
		}
		for _, u := range list.Msg.GetUsers() {
			ids = append(ids, u.GetId())
		}
	}
	return ids, nil
}

// assign assigns a promotion to players.
func (f *filler) assign(ctx context.Context, promotion string, players []string) error {
	answer, err := f.promotions.Assign(ctx, as(f, &promotionsv1.AssignRequest{PromotionId: promotion, PlayerIds: players}))
	if err != nil {
		return fmt.Errorf("assign %s: %w", promotion, err)
	}
	for _, r := range answer.Msg.GetResults() {
		if r.GetOutcome() == promotionsv1.AssignOutcome_UNKNOWN_PLAYER {
			return fmt.Errorf("assign %s: player %s is unknown", promotion, r.GetPlayerId())
		}
	}
	return nil
}

// as returns a request that carries the access token of the admin.
func as[T any](f *filler, message *T) *connect.Request[T] {
	r := connect.NewRequest(message)
	r.Header().Set("Authorization", "Bearer "+f.token)
	return r
}
