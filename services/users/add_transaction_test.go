package users_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
)

// entry returns a valid entry with the changes applied.
func entry(changes ...func(*users.Entry)) users.Entry {
	e := users.Entry{
		UserID:         uuid.MustParse("01890000-0000-7000-8000-000000000001"),
		Type:           users.TransactionTypeCredit,
		Amount:         2000,
		Description:    "Claimed 'Spring' promotion of type 'BONUS'",
		AdditionalData: map[string]any{"promotionId": "42", "nested": map[string]any{"b": 1.5, "a": true}},
		IdempotencyKey: "key",
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

// withData sets the additional data of an entry.
func withData(data map[string]any) func(*users.Entry) {
	return func(e *users.Entry) { e.AdditionalData = data }
}

// fakeLedgerStore records the entries that are added.
type fakeLedgerStore struct {
	users.LedgerStore
	added []users.ValidEntry
}

func (s *fakeLedgerStore) Add(_ context.Context, e users.ValidEntry) (users.Transaction, error) {
	s.added = append(s.added, e)
	return users.Transaction{IdempotencyKey: e.IdempotencyKey}, nil
}

// TestPurposeOfCredits checks which entries pay a promotion, whether or not they say so.
func TestPurposeOfCredits(t *testing.T) {
	none := withData(map[string]any{"game": "7"})
	for name, tt := range map[string]struct {
		changes []func(*users.Entry)
		want    users.TransactionPurpose
	}{
		"credit of a promotion":    {nil, users.TransactionPurposePromotion},
		"other credit":             {[]func(*users.Entry){none}, ""},
		"credit with a purpose":    {[]func(*users.Entry){none, func(e *users.Entry) { e.Purpose = users.TransactionPurposePromotion }}, users.TransactionPurposePromotion},
		"debit":                    {[]func(*users.Entry){func(e *users.Entry) { e.Type = users.TransactionTypeDebit }}, ""},
		"reversal of a debit":      {[]func(*users.Entry){func(e *users.Entry) { e.Reverses, e.IdempotencyKey = e.UserID, "reversal:x" }}, ""},
		"a promotion without name": {[]func(*users.Entry){withData(map[string]any{"promotionId": nil})}, users.TransactionPurposePromotion},
	} {
		if got, err := entry(tt.changes...).Validate(); err != nil || got.Purpose != tt.want {
			t.Errorf("%s: got the purpose %q, %v, want %q", name, got.Purpose, err, tt.want)
		}
	}
}

func TestAddTransactionValidates(t *testing.T) {
	for name, tt := range map[string]struct {
		change    func(*users.Entry)
		violation string // the field of the only violation; empty for a valid entry
	}{
		"credit":    {func(*users.Entry) {}, ""},
		"debit":     {func(e *users.Entry) { e.Type = users.TransactionTypeDebit }, ""},
		"promotion": {func(e *users.Entry) { e.Purpose = users.TransactionPurposePromotion }, ""},
		"debit for a promotion": {func(e *users.Entry) {
			e.Type, e.Purpose = users.TransactionTypeDebit, users.TransactionPurposePromotion
		}, "purpose"},
		"unknown purpose":            {func(e *users.Entry) { e.Purpose = "GIFT" }, "purpose"},
		"minimum amount":             {func(e *users.Entry) { e.Amount = 1 }, ""},
		"maximum amount":             {func(e *users.Entry) { e.Amount = 1_000_000_000_00 }, ""},
		"no description":             {func(e *users.Entry) { e.Description = "" }, ""},
		"longest description":        {func(e *users.Entry) { e.Description = strings.Repeat("ü", 2000) }, ""},
		"longest key":                {func(e *users.Entry) { e.IdempotencyKey = strings.Repeat("k", 200) }, ""},
		"no data":                    {withData(nil), ""},
		"backslash before u0000":     {withData(map[string]any{"a": `\u0000`}), ""},
		"key of a reversal":          {func(e *users.Entry) { e.IdempotencyKey = "reversal:1" }, "idempotencyKey"},
		"no user id":                 {func(e *users.Entry) { e.UserID = uuid.Nil }, "user_id"},
		"no type":                    {func(e *users.Entry) { e.Type = "" }, "type"},
		"unknown type":               {func(e *users.Entry) { e.Type = "REFUND" }, "type"},
		"amount zero":                {func(e *users.Entry) { e.Amount = 0 }, "amount"},
		"negative amount":            {func(e *users.Entry) { e.Amount = -1 }, "amount"},
		"amount above the maximum":   {func(e *users.Entry) { e.Amount = 1_000_000_000_01 }, "amount"},
		"greatest storable amount":   {func(e *users.Entry) { e.Amount = money.Max }, "amount"},
		"description too long":       {func(e *users.Entry) { e.Description = strings.Repeat("ü", 2001) }, "description"},
		"NUL in the description":     {func(e *users.Entry) { e.Description = "a\x00b" }, "description"},
		"description not UTF-8":      {func(e *users.Entry) { e.Description = "a\xffb" }, "description"},
		"no key":                     {func(e *users.Entry) { e.IdempotencyKey = "" }, "idempotencyKey"},
		"key too long":               {func(e *users.Entry) { e.IdempotencyKey = strings.Repeat("k", 201) }, "idempotencyKey"},
		"NUL in the key":             {func(e *users.Entry) { e.IdempotencyKey = "\x00" }, "idempotencyKey"},
		"data not JSON":              {withData(map[string]any{"a": func() {}}), "additionalData"},
		"data too large":             {withData(map[string]any{"a": strings.Repeat("a", 1<<16)}), "additionalData"},
		"NUL in a value of the data": {withData(map[string]any{"a": []any{"\x00"}}), "additionalData"},
		"NUL in a name of the data":  {withData(map[string]any{"\\\x00": 1.0}), "additionalData"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &fakeLedgerStore{}
			e := entry(tt.change)
			tx, err := users.NewLedgerService(store).AddTransaction(t.Context(), e)
			if tt.violation == "" {
				if err != nil || len(store.added) != 1 || tx.IdempotencyKey != e.IdempotencyKey {
					t.Fatalf("got %+v, %v; the store received %d entries, want 1", tx, err, len(store.added))
				}
				return
			}
			if apperr.CodeOf(err) != apperr.ValidationFailed || len(store.added) != 0 {
				t.Fatalf("got %v; the store received %d entries, want none", err, len(store.added))
			}
			if v := apperr.From(err).Violations; len(v) != 1 || v[0].Field != tt.violation {
				t.Errorf("got violations %+v, want one violation of %s", v, tt.violation)
			}
		})
	}
}

func TestValidateReportsEveryViolation(t *testing.T) {
	_, err := users.Entry{AdditionalData: map[string]any{"a": func() {}}}.Validate()
	var fields []string
	for _, v := range apperr.From(err).Violations {
		fields = append(fields, v.Field)
	}
	if got, want := strings.Join(fields, " "), "user_id type amount idempotencyKey additionalData"; got != want {
		t.Errorf("got violations of %q, want %q", got, want)
	}
}

// countedJSON counts how often it is marshalled.
type countedJSON struct{ marshalled *int }

func (c countedJSON) MarshalJSON() ([]byte, error) {
	*c.marshalled++
	return []byte(`"value"`), nil
}

var _ json.Marshaler = countedJSON{}

func TestAdditionalDataIsMarshalledOnce(t *testing.T) {
	store, marshalled := &fakeLedgerStore{}, 0
	e := entry(withData(map[string]any{"b": countedJSON{&marshalled}, "a": 1}))
	if _, err := users.NewLedgerService(store).AddTransaction(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	added := store.added[0]
	added.ContentHash()
	if got, want := string(added.Data()), `{"a":1,"b":"value"}`; got != want {
		t.Errorf("got data %s, want %s", got, want)
	}
	if marshalled != 1 {
		t.Errorf("the data was marshalled %d times, want once", marshalled)
	}
}

func TestContentHash(t *testing.T) {
	hash := func(e users.Entry) [32]byte {
		t.Helper()
		valid, err := e.Validate()
		if err != nil {
			t.Fatal(err)
		}
		return valid.ContentHash()
	}
	original := hash(entry())
	for name, tt := range map[string]struct {
		change func(*users.Entry)
		equal  bool
	}{
		"no change":       {func(*users.Entry) {}, true},
		"order of data":   {func(e *users.Entry) { e.AdditionalData["nested"] = map[string]any{"a": true, "b": 1.5} }, true},
		"idempotency key": {func(e *users.Entry) { e.IdempotencyKey = "other" }, true},
		"purpose":         {func(e *users.Entry) { e.Purpose = users.TransactionPurposePromotion }, true},
		"player":          {func(e *users.Entry) { e.UserID[15]++ }, false},
		"type":            {func(e *users.Entry) { e.Type = users.TransactionTypeDebit }, false},
		"amount":          {func(e *users.Entry) { e.Amount++ }, false},
		"description":     {func(e *users.Entry) { e.Description += " " }, false},
		"data":            {func(e *users.Entry) { e.AdditionalData["nested"] = nil }, false},
		"text moved from the data to the description": {func(e *users.Entry) {
			e.Description, e.AdditionalData = e.Description+"{", nil
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hash(entry(tt.change)) == original; got != tt.equal {
				t.Errorf("equal hashes: %t, want %t", got, tt.equal)
			}
		})
	}
	if hash(entry(withData(nil))) != hash(entry(withData(map[string]any{}))) {
		t.Error("nil data and empty data have different hashes, want equal hashes")
	}
}
