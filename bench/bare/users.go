package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/rueidis"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

const (
	accessLifetime  = 10 * time.Minute
	refreshLifetime = 24 * time.Hour
)

type usersServer struct {
	usersv1.UnimplementedLedgerServiceServer

	db    *pgxpool.Pool
	redis rueidis.Client
	key   ed25519.PrivateKey
}

// serveUsers adds the routes of users to mux, and serves AddTransaction in the background.
func serveUsers(mux *http.ServeMux, db *pgxpool.Pool, o options) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	redis, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{o.redis}})
	if err != nil {
		return err
	}
	s := &usersServer{db: db, redis: redis, key: key}
	mux.HandleFunc("GET /api/v1/users/me", answer(s.me))
	mux.HandleFunc("POST /api/v1/auth/login", answer(s.login))
	mux.HandleFunc("POST /api/v1/auth/refresh", answer(s.refresh))
	listener, err := net.Listen("tcp", o.ledger)
	if err != nil {
		return err
	}
	ledger := grpc.NewServer()
	usersv1.RegisterLedgerServiceServer(ledger, s)
	go func() { panic(ledger.Serve(listener)) }()
	return nil
}

const userSQL = "SELECT id, email, role, is_active, balance::text, created_at FROM users WHERE "

func (s *usersServer) user(ctx context.Context, where string, arg any) (u user, err error) {
	err = s.db.QueryRow(ctx, userSQL+where, arg).Scan(&u.ID, &u.Email, &u.Role, &u.IsActive, &u.Balance, &u.CreatedAt)
	return u, err
}

func (s *usersServer) me(r *http.Request) (user, error) {
	return s.user(r.Context(), "id = $1", userOf(r))
}

// login starts a session without a password. No row measures it.
func (s *usersServer) login(r *http.Request) (session, error) {
	var body struct {
		Email string `json:"email"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return session{}, err
	}
	u, err := s.user(r.Context(), "email_folded = $1", strings.ToLower(body.Email))
	if err != nil {
		return session{}, err
	}
	started, err := s.issue(r.Context(), u.ID, s.redis.B().Ping().Build())
	started.User = &u
	return started, err
}

// refresh exchanges a refresh token for the next pair of tokens.
func (s *usersServer) refresh(r *http.Request) (session, error) {
	var body struct {
		RefreshToken string `json:"refreshToken"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return session{}, err
	}
	old := sessionKey(body.RefreshToken)
	id, err := s.redis.Do(r.Context(), s.redis.B().Get().Key(old).Build()).ToString()
	if err != nil {
		return session{}, err
	}
	u, err := s.user(r.Context(), "id = $1", id)
	if err != nil {
		return session{}, err
	}
	return s.issue(r.Context(), u.ID, s.redis.B().Del().Key(old).Build())
}

// issue stores a new refresh token, in one round trip with the command before, and signs an access token.
func (s *usersServer) issue(ctx context.Context, id pgtype.UUID, before rueidis.Completed) (session, error) {
	expires := time.Now().UTC().Truncate(time.Second).Add(accessLifetime)
	claims, err := json.Marshal(map[string]any{"sub": id, "exp": expires.Unix()})
	if err != nil {
		return session{}, err
	}
	b64 := base64.RawURLEncoding
	access := b64.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`)) + "." + b64.EncodeToString(claims)
	access += "." + b64.EncodeToString(ed25519.Sign(s.key, []byte(access)))
	refresh := rand.Text()
	set := s.redis.B().Set().Key(sessionKey(refresh)).Value(id.String()).Ex(refreshLifetime).Build()
	for _, reply := range s.redis.DoMulti(ctx, before, set) {
		if err := reply.Error(); err != nil {
			return session{}, err
		}
	}
	return session{AccessToken: access, ExpiresAt: expires, RefreshToken: refresh}, nil
}

func sessionKey(refresh string) string {
	sum := sha256.Sum256([]byte(refresh))
	return "bare:" + hex.EncodeToString(sum[:])
}

// addSQL updates the balance and inserts the entry in one statement.
const addSQL = `WITH moved AS (
	UPDATE users SET balance = balance + $2, entries = entries + 1 WHERE id = $1 RETURNING id, balance, entries
)
INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
	idempotency_key, content_hash)
SELECT $3, id, entries, 'CREDIT', $2, balance, $4, $5, $6, $7, $8 FROM moved
RETURNING balance_after::text`

// AddTransaction implements usersv1.LedgerServiceServer for credits.
func (s *usersServer) AddTransaction(
	ctx context.Context, r *usersv1.AddTransactionRequest,
) (*usersv1.AddTransactionResponse, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(r.GetAdditionalData().AsMap())
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	hash := sha256.Sum256(data)
	var balance string
	err = s.db.QueryRow(ctx, addSQL, r.GetUserId(), r.GetAmount(), id.String(), r.GetDescription(), string(data), now,
		r.GetIdempotencyKey(), hash[:]).Scan(&balance)
	return &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{
		Id: id.String(), UserId: r.GetUserId(), Type: r.GetType(), Amount: r.GetAmount(), BalanceAfter: balance,
		Description: r.GetDescription(), AdditionalData: r.GetAdditionalData(), CreatedAt: timestamppb.New(now),
	}}, err
}
