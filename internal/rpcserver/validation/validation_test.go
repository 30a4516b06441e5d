package validation_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

func TestText(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"plain":               "plain",
		"  spaced \t\n":       "spaced",
		"two  inner":          "two  inner",
		"line\r\nline":        "line\nline",
		"tab\there":           "tab\there",
		"e\u0301":             "é",
		"\u00a0no-break":      "no-break",
		"emoji 👍🏽 stays":      "emoji 👍🏽 stays",
		"<script>":            "<script>",
		"zero\u200bwidth":     "zero\u200bwidth",
		"\u200b\u2060 \ufeff": "",
		"nul\x00":             "!",
		"bell\a":              "!",
		"lone\rreturn":        "!",
		"\x1b[31mred":         "!",
		"delete\x7f":          "!",
		"next\u0085line":      "!",
		"over\u202eride":      "!",
		"isolate\u2066":       "!",
		"right-to-left עברית": "right-to-left עברית",
	} {
		m := &promotionsv1.ListPromotionsRequest{Title: given}
		violations, err := v.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(violations) > 0; refused != (want == "!") || !refused && m.GetTitle() != want {
			t.Errorf("%q becomes %q with %v, want %q", given, m.GetTitle(), violations, want)
		}
	}
}

func TestSecretsAreLeftAsTheyAre(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	m := &usersv1.RegisterRequest{Email: " A@b.example ", Password: " pass\u0301word\t "}
	violations, err := v.Check(m)
	if err != nil || len(violations) > 0 {
		t.Fatal(violations, err)
	}
	want := &usersv1.RegisterRequest{Email: "A@b.example", Password: " pass\u0301word\t "}
	if !proto.Equal(m, want) {
		t.Errorf("got %v, want %v", m, want)
	}
}

func TestOneViolationAField(t *testing.T) {
	v, err := validation.New((&promotionsv1.CreatePromotionRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	found := apperr.Violation{Field: "promotion.amount", Rule: "json.type", Message: "a text is expected"}
	m := &promotionsv1.CreatePromotionRequest{Promotion: &promotionsv1.Promotion{
		Title: "\x00" + strings.Repeat("x", 300), Type: 99, StartDate: "2026-01-01", EndDate: "2026-01-01",
	}}
	violations, err := v.Check(m, found)
	if err != nil {
		t.Fatal(err)
	}
	want := "promotion.amount:json.type promotion.title:text promotion.type:enum.defined_only"
	if s := rules(violations); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
}

func TestMissingAndUnread(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	found := apperr.Violation{Field: "player_ids[0]", Rule: "json.type", Message: "a text is expected"}
	for name, tt := range map[string]struct {
		found []apperr.Violation
		want  string
	}{
		"missing":    {nil, "promotion_id:required player_ids:repeated.min_items"},
		"unreadable": {[]apperr.Violation{found}, "player_ids[0]:json.type promotion_id:required"},
	} {
		violations, err := v.Check(&promotionsv1.AssignRequest{}, tt.found...)
		if err != nil {
			t.Fatal(err)
		}
		if s := rules(violations); s != tt.want {
			t.Errorf("%s: got %s\nwant %s", name, s, tt.want)
		}
	}
}

func rules(violations []apperr.Violation) string {
	got := make([]string, 0, len(violations))
	for _, violation := range violations {
		got = append(got, violation.Field+":"+violation.Rule)
	}
	return strings.Join(got, " ")
}

func TestViolationsAreBounded(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	m := &promotionsv1.AssignRequest{PromotionId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", PlayerIds: make([]string, 1000)}
	violations, err := v.Check(m)
	if err != nil || len(violations) != 100 {
		t.Errorf("there are %d violations, %v", len(violations), err)
	}
}

func TestMoneyIsNormalised(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"20": "20.00", "20.5": "20.50", "0.01": "0.01", "1000000000": "1000000000.00", " 7 ": "7.00", "007": "7.00",
		"": "!", "0": "!", "0.001": "!", "-1": "!", "+1": "!", "1e3": "!", "NaN": "!", "1,5": "!", "1000000000.01": "!", "٣": "!",
	} {
		m := &usersv1.AddTransactionRequest{
			UserId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", Type: usersv1.TransactionType_DEBIT, IdempotencyKey: "k", Amount: given,
		}
		violations, err := v.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(violations) > 0; refused != (want == "!") || !refused && m.GetAmount() != want {
			t.Errorf("%q becomes %q with %v, want %q", given, m.GetAmount(), violations, want)
		}
	}
}

// What the conversions to the domain could not read is refused before, with the field's name.
func TestForms(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		m    proto.Message
		want string
	}{
		"an entry": {&usersv1.Transaction{
			Id: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", UserId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001",
			Type: usersv1.TransactionType_CREDIT, Amount: "1.00", BalanceAfter: "1.00", CreatedAt: timestamppb.Now(),
		}, ""},
		"not an entry": {&usersv1.Transaction{
			UserId: "x", Type: 99, Amount: "1.00", BalanceAfter: "1.00", CreatedAt: &timestamppb.Timestamp{Nanos: -1},
		}, "id:required user_id:uuid type:enum.defined_only createdAt:timestamp"},
	} {
		violations, err := v.Check(tt.m)
		if err != nil {
			t.Fatal(err)
		}
		if s := rules(violations); s != tt.want {
			t.Errorf("%s: got %s\nwant %s", name, s, tt.want)
		}
	}
}

func TestWhatIsFixedCannotBeChanged(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	m := &promotionsv1.UpdatePromotionRequest{
		PromotionId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001",
		Promotion:   &promotionsv1.Promotion{Id: "x", Type: promotionsv1.PromotionType_BONUS, CreatedAt: timestamppb.Now()},
	}
	violations, err := v.Check(m)
	if err != nil {
		t.Fatal(err)
	}
	const want = "promotion.id:output_only promotion.type:immutable promotion.createdAt:output_only"
	if s := rules(violations); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
}
