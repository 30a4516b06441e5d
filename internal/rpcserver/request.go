package rpcserver

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
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
	ids, wrong := readIDs([]string{text}, func(int) string { return field })
	if wrong != nil {
		return uuid.Nil, apperr.InvalidAll(wrong)
	}
	return ids[0], nil
}

// IDs reads a list of ids as ID does each.
func IDs(field string, texts []string) ([]uuid.UUID, error) {
	ids, wrong := readIDs(texts, func(i int) string { return fmt.Sprintf("%s[%d]", field, i) })
	if wrong != nil {
		return nil, apperr.InvalidAll(wrong)
	}
	return ids, nil
}

func readIDs(texts []string, field func(i int) string) (ids []uuid.UUID, wrong []apperr.Violation) {
	ids = make([]uuid.UUID, len(texts))
	for i, text := range texts {
		id, err := uuid.Parse(text)
		if err != nil || len(text) != len(uuid.Nil.String()) { // Parse takes other forms, too
			wrong = append(wrong, apperr.Violation{Field: field(i), Rule: "uuid", Message: "is not a UUID"})
		}
		ids[i] = id
	}
	return ids, wrong
}
