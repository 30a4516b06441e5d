package rpcserver

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// Caller returns the id of the authenticated caller. It returns TOKEN_MISSING if the request has no authenticated caller,
// for example in a public method.
func Caller(ctx context.Context) (uuid.UUID, error) {
	caller, ok := authn.From(ctx)
	if !ok || caller.UserID == uuid.Nil {
		return uuid.Nil, apperr.New(apperr.TokenMissing, "an access token is required")
	}
	return caller.UserID, nil
}

// CallerSession returns the ids of the authenticated caller and of the session of the access token. The error is that of
// Caller.
func CallerSession(ctx context.Context) (user, session uuid.UUID, err error) {
	if user, err = Caller(ctx); err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	caller, _ := authn.From(ctx)
	return user, caller.Session, nil
}

// ID parses the UUID in a request's field. It returns VALIDATION_FAILED if the text is not a UUID.
func ID(field, text string) (uuid.UUID, error) {
	ids, violations := parseIDs([]string{text}, func(int) string { return field })
	if violations != nil {
		return uuid.Nil, apperr.InvalidAll(violations)
	}
	return ids[0], nil
}

// IDs parses the UUIDs in a request's list field. It returns VALIDATION_FAILED with one violation for each text that is not
// a UUID.
func IDs(field string, texts []string) ([]uuid.UUID, error) {
	ids, violations := parseIDs(texts, func(i int) string { return fmt.Sprintf("%s[%d]", field, i) })
	if violations != nil {
		return nil, apperr.InvalidAll(violations)
	}
	return ids, nil
}

func parseIDs(texts []string, field func(i int) string) (ids []uuid.UUID, violations []apperr.Violation) {
	ids = make([]uuid.UUID, len(texts))
	for i, text := range texts {
		id, err := uuid.Parse(text)
		if err != nil || len(text) != len(uuid.Nil.String()) { // Parse accepts other forms, too
			violations = append(violations, apperr.Violation{Field: field(i), Rule: "uuid", Message: "is not a UUID"})
		}
		ids[i] = id
	}
	return ids, violations
}
