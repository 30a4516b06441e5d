package users_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
)

func entry(change ...func(*users.Entry)) users.Entry {
	e := users.Entry{
		UserID:         uuid.MustParse("01890000-0000-7000-8000-000000000001"),
		Type:           users.TransactionTypeCredit,
		Amount:         2000,
		Description:    "Claimed 'Spring' promotion of type 'BONUS'",
		AdditionalData: map[string]any{"promotionId": "42", "nested": map[string]any{"b": 1.5, "a": true}},
		IdempotencyKey: "key",
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func TestAddTransactionValidates(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*users.Entry)
		field  string // of the only violation; empty for none
	}{
		"as usual":                  {func(*users.Entry) {}, ""},
		"the least amount":          {func(e *users.Entry) { e.Amount = 1 }, ""},
		"the greatest amount":       {func(e *users.Entry) { e.Amount = 1_000_000_000_00 }, ""},
		"a debit":                   {func(e *users.Entry) { e.Type = users.TransactionTypeDebit }, ""},
		"no data":                   {func(e *users.Entry) { e.AdditionalData = nil }, ""},
		"long texts":                {func(e *users.Entry) { e.Description = strings.Repeat("ü", 2000) }, ""},
		"a backslash before u0000":  {func(e *users.Entry) { e.AdditionalData = map[string]any{"a": `\u0000`} }, ""},
		"nobody":                    {func(e *users.Entry) { e.UserID = uuid.Nil }, "user_id"},
		"no type":                   {func(e *users.Entry) { e.Type = "" }, "type"},
		"an unknown type":           {func(e *users.Entry) { e.Type = "REFUND" }, "type"},
		"nothing":                   {func(e *users.Entry) { e.Amount = 0 }, "amount"},
		"less than nothing":         {func(e *users.Entry) { e.Amount = -1 }, "amount"},
		"too much":                  {func(e *users.Entry) { e.Amount = 1_000_000_000_01 }, "amount"},
		"the most that there is":    {func(e *users.Entry) { e.Amount = money.Max }, "amount"},
		"a very long description":   {func(e *users.Entry) { e.Description = strings.Repeat("ü", 2001) }, "description"},
		"NUL in the description":    {func(e *users.Entry) { e.Description = "a\x00b" }, "description"},
		"no text as description":    {func(e *users.Entry) { e.Description = "a\xffb" }, "description"},
		"no key":                    {func(e *users.Entry) { e.IdempotencyKey = "" }, "idempotencyKey"},
		"a very long key":           {func(e *users.Entry) { e.IdempotencyKey = strings.Repeat("k", 201) }, "idempotencyKey"},
		"NUL in the key":            {func(e *users.Entry) { e.IdempotencyKey = "\x00" }, "idempotencyKey"},
		"data that is not JSON":     {func(e *users.Entry) { e.AdditionalData = map[string]any{"a": func() {}} }, "additionalData"},
		"much data":                 {func(e *users.Entry) { e.AdditionalData = map[string]any{"a": strings.Repeat("a", 1<<16)} }, "additionalData"},
		"NUL in the data":           {func(e *users.Entry) { e.AdditionalData = map[string]any{"a": []any{"\x00"}} }, "additionalData"},
		"NUL in a name in the data": {func(e *users.Entry) { e.AdditionalData = map[string]any{"\\\x00": 1.0} }, "additionalData"},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := &ledger{}
			_, err := users.NewLedgerService(ledger).AddTransaction(t.Context(), entry(tt.change))
			if tt.field == "" {
				if err != nil || ledger.asked != 1 {
					t.Fatalf("got %v, the ledger was asked %d times", err, ledger.asked)
				}
				return
			}
			if apperr.CodeOf(err) != apperr.ValidationFailed || ledger.asked != 0 {
				t.Fatalf("got %v, the ledger was asked %d times", err, ledger.asked)
			}
			if v := apperr.From(err).Violations; len(v) != 1 || v[0].Field != tt.field {
				t.Errorf("got violations %+v, want one of %s", v, tt.field)
			}
		})
	}
}

// ledger counts what it is asked.
type ledger struct{ asked int }

func (l *ledger) Add(context.Context, users.Entry) (users.Transaction, error) {
	l.asked++
	return users.Transaction{}, nil
}

func TestContentHash(t *testing.T) {
	hash := func(e users.Entry) [32]byte {
		data, err := e.Data()
		if err != nil {
			t.Fatal(err)
		}
		return e.ContentHash(data)
	}
	first := hash(entry())
	for name, tt := range map[string]struct {
		change func(*users.Entry)
		same   bool
	}{
		"nothing":         {func(*users.Entry) {}, true},
		"order of data":   {func(e *users.Entry) { e.AdditionalData["nested"] = map[string]any{"a": true, "b": 1.5} }, true},
		"the key":         {func(e *users.Entry) { e.IdempotencyKey = "other" }, true},
		"the player":      {func(e *users.Entry) { e.UserID[15]++ }, false},
		"the type":        {func(e *users.Entry) { e.Type = users.TransactionTypeDebit }, false},
		"the amount":      {func(e *users.Entry) { e.Amount++ }, false},
		"the description": {func(e *users.Entry) { e.Description += " " }, false},
		"the data":        {func(e *users.Entry) { e.AdditionalData["nested"] = nil }, false},
		"where the description ends": {func(e *users.Entry) {
			e.Description, e.AdditionalData = e.Description+"{", nil
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hash(entry(tt.change)) == first; got != tt.same {
				t.Errorf("same content: %v", got)
			}
		})
	}
	none, empty := hash(entry(func(e *users.Entry) { e.AdditionalData = nil })),
		hash(entry(func(e *users.Entry) { e.AdditionalData = map[string]any{} }))
	if none != empty {
		t.Error("no data and empty data are not the same content")
	}
}
