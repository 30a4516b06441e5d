package main

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// The types of the answers. Their members are the ones of the platform's answers.

type user struct {
	ID        pgtype.UUID `json:"id"`
	Email     string      `json:"email"`
	Role      string      `json:"role"`
	IsActive  bool        `json:"isActive"`
	Balance   string      `json:"balance"`
	CreatedAt time.Time   `json:"createdAt"`
}

type session struct {
	AccessToken  string    `json:"accessToken"`
	ExpiresAt    time.Time `json:"expiresAt"`
	User         *user     `json:"user,omitempty"`
	RefreshToken string    `json:"refreshToken"`
}

type promotion struct {
	ID          pgtype.UUID `json:"id"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	IsActive    bool        `json:"isActive"`
	Type        string      `json:"type"`
	Amount      string      `json:"amount"`
	StartDate   string      `json:"startDate"`
	EndDate     string      `json:"endDate"`
	CreatedAt   time.Time   `json:"createdAt"`
	UpdatedAt   time.Time   `json:"updatedAt"`
	State       string      `json:"state"`
	Terms       terms       `json:"terms"`
}

type terms struct {
	Text    string `json:"text"`
	Version int32  `json:"version"`
}

type assignment struct {
	ID            pgtype.UUID `json:"id"`
	UserID        pgtype.UUID `json:"user_id"`
	PromotionID   pgtype.UUID `json:"promotion_id"`
	Claimed       bool        `json:"claimed"`
	Amount        string      `json:"amount"`
	AssignedBy    string      `json:"assignedBy"`
	CreatedAt     time.Time   `json:"createdAt"`
	ClaimedAt     *time.Time  `json:"claimedAt,omitempty"`
	TransactionID pgtype.UUID `json:"transactionId,omitzero"`
	State         string      `json:"state"`
	ExpiresAt     string      `json:"expiresAt"`
	RevokedAt     string      `json:"revokedAt"`
	Source        string      `json:"source"`
	JobID         string      `json:"jobId"`
	TermsVersion  int32       `json:"termsVersion"`
	Promotion     *promotion  `json:"promotion,omitempty"`
}

type transaction struct {
	ID             string         `json:"id"`
	UserID         string         `json:"user_id"`
	Type           string         `json:"type"`
	Amount         string         `json:"amount"`
	BalanceAfter   string         `json:"balanceAfter"`
	Description    string         `json:"description"`
	AdditionalData map[string]any `json:"additionalData"`
	CreatedAt      time.Time      `json:"createdAt"`
	Reverses       string         `json:"reverses"`
}

type assignments struct {
	Assignments     []assignment `json:"assignments"`
	NextPageToken   string       `json:"nextPageToken"`
	Total           int          `json:"total"`
	TotalIsEstimate bool         `json:"totalIsEstimate"`
}

type claimed struct {
	Assignment  assignment  `json:"assignment"`
	Transaction transaction `json:"transaction"`
}
