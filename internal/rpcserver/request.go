package rpcserver

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/fields"
)

// Caller returns the id of who is calling, for a handler whose use case needs to know. A method that the schema opens to
// everybody has none: TOKEN_MISSING.
func Caller(ctx context.Context) (uuid.UUID, error) {
	caller, ok := authn.From(ctx)
	if !ok || caller.UserID == uuid.Nil {
		return uuid.Nil, apperr.New(apperr.TokenMissing, "an access token is needed")
	}
	return caller.UserID, nil
}

// ID reads the id that a request's field holds. What is none was refused by validation, if the schema asks for that, and
// is VALIDATION_FAILED here in any case.
func ID(field, text string) (uuid.UUID, error) {
	var r fields.Reader
	id := r.UUID(field, text, fields.Required)
	return id, r.Err()
}

// IDs reads a list of ids as ID does each.
func IDs(field string, texts []string) ([]uuid.UUID, error) {
	var r fields.Reader
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		ids[i] = r.UUID(fmt.Sprintf("%s[%d]", field, i), text, fields.Required)
	}
	return ids, r.Err()
}
