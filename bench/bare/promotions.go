package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

type promotionsServer struct {
	db     *pgxpool.Pool
	ledger usersv1.LedgerServiceClient
}

// servePromotions adds the routes of promotions to mux.
func servePromotions(mux *http.ServeMux, db *pgxpool.Pool, o options) error {
	conn, err := grpc.NewClient(o.ledger, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	s := &promotionsServer{db: db, ledger: usersv1.NewLedgerServiceClient(conn)}
	mux.HandleFunc("GET /api/v1/promotions/players/{player_id}", answer(s.list))
	mux.HandleFunc("POST /api/v1/promotions/claim", answer(s.claim))
	return nil
}

const (
	assignmentColumns = "a.id, a.user_id, a.promotion_id, a.claimed, a.amount::text, coalesce(a.assigned_by::text, '')," +
		" a.created_at, a.claimed_at, a.transaction_id, CASE WHEN a.claimed THEN 'CLAIMED' ELSE 'ASSIGNED' END," +
		" coalesce(a.expires_at::text, ''), coalesce(a.revoked_at::text, '')," +
		" a.source, coalesce(a.job_id::text, ''), a.terms_version"
	promotionColumns = "p.id, p.title, p.description, p.is_active, p.type, p.amount::text, p.start_date::text," +
		" p.end_date::text, p.created_at, p.updated_at, p.inactive_as, p.terms_text, p.terms_version"

	countSQL = "SELECT count(*) FROM player_promotions WHERE user_id = $1"
	listSQL  = "SELECT " + assignmentColumns + ", " + promotionColumns +
		" FROM player_promotions a JOIN promotions p ON p.id = a.promotion_id WHERE a.user_id = $1 ORDER BY a.id DESC LIMIT $2"
	assignmentSQL = "SELECT " + assignmentColumns + " FROM player_promotions a WHERE a.user_id = $1 AND a.promotion_id = $2"
	promotionSQL  = "SELECT " + promotionColumns + " FROM promotions p WHERE p.id = $1"
	markSQL       = "UPDATE player_promotions a SET claimed = true, claimed_at = $3, transaction_id = $2, claim_id = $4" +
		" WHERE id = $1 AND claim_id IS NULL RETURNING " + assignmentColumns
)

func (a *assignment) columns() []any {
	return []any{
		&a.ID, &a.UserID, &a.PromotionID, &a.Claimed, &a.Amount, &a.AssignedBy, &a.CreatedAt, &a.ClaimedAt, &a.TransactionID,
		&a.State, &a.ExpiresAt, &a.RevokedAt, &a.Source, &a.JobID, &a.TermsVersion,
	}
}

func (p *promotion) columns() []any {
	return []any{
		&p.ID, &p.Title, &p.Description, &p.IsActive, &p.Type, &p.Amount, &p.StartDate, &p.EndDate, &p.CreatedAt, &p.UpdatedAt,
		&p.State, &p.Terms.Text, &p.Terms.Version,
	}
}

// setState replaces inactive_as, which State holds after the scan, with the state on a day.
func (p *promotion) setState(today string) {
	switch expired := p.EndDate < today; {
	case !p.IsActive && (p.State != "PAUSED" || !expired):
	case expired:
		p.State = "EXPIRED"
	case p.StartDate > today:
		p.State = "SCHEDULED"
	default:
		p.State = "ACTIVE"
	}
}

// list returns the newest assignments of a player. It reads them and their number in one round trip.
func (s *promotionsServer) list(r *http.Request) (assignments, error) {
	size, err := strconv.Atoi(r.URL.Query().Get("page_size"))
	if err != nil {
		return assignments{}, err
	}
	player, page := r.PathValue("player_id"), assignments{Assignments: make([]assignment, 0, size)}
	today := time.Now().UTC().Format(time.DateOnly)
	batch := &pgx.Batch{}
	batch.Queue(countSQL, player).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Total) })
	batch.Queue(listSQL, player, size).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			a := assignment{Promotion: &promotion{}}
			if err := rows.Scan(append(a.columns(), a.Promotion.columns()...)...); err != nil {
				return err
			}
			a.Promotion.setState(today)
			page.Assignments = append(page.Assignments, a)
		}
		return rows.Err()
	})
	return page, s.db.SendBatch(r.Context(), batch).Close()
}

// claim reads the assignment and the promotion in one round trip, calls the ledger, and marks the assignment as claimed.
func (s *promotionsServer) claim(r *http.Request) (claimed, error) {
	var body struct {
		PromotionID string `json:"promotion_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return claimed{}, err
	}
	ctx, player := r.Context(), userOf(r)
	var a assignment
	var p promotion
	batch := &pgx.Batch{}
	batch.Queue(assignmentSQL, player, body.PromotionID).QueryRow(func(row pgx.Row) error { return row.Scan(a.columns()...) })
	batch.Queue(promotionSQL, body.PromotionID).QueryRow(func(row pgx.Row) error { return row.Scan(p.columns()...) })
	if err := s.db.SendBatch(ctx, batch).Close(); err != nil {
		return claimed{}, err
	}
	data := &structpb.Struct{Fields: map[string]*structpb.Value{"promotionId": structpb.NewStringValue(body.PromotionID)}}
	added, err := s.ledger.AddTransaction(ctx, &usersv1.AddTransactionRequest{
		UserId: player, Type: usersv1.TransactionType_CREDIT, Amount: a.Amount, AdditionalData: data,
		Description: fmt.Sprintf("Claimed '%s' promotion of type '%s'", p.Title, p.Type), IdempotencyKey: a.ID.String(),
	})
	if err != nil {
		return claimed{}, err
	}
	tx := added.GetTransaction()
	if err := s.mark(ctx, &a, tx.GetId()); err != nil {
		return claimed{}, err
	}
	return claimed{a, transaction{
		ID: tx.GetId(), UserID: tx.GetUserId(), Type: tx.GetType().String(), Amount: tx.GetAmount(),
		BalanceAfter: tx.GetBalanceAfter(), Description: tx.GetDescription(), AdditionalData: tx.GetAdditionalData().AsMap(),
		CreatedAt: tx.GetCreatedAt().AsTime(),
	}}, nil
}

func (s *promotionsServer) mark(ctx context.Context, a *assignment, transaction string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return s.db.QueryRow(ctx, markSQL, a.ID, transaction, time.Now(), "call:"+id.String()).Scan(a.columns()...)
}
