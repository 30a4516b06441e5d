package validation_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
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
	for given, want := range map[string]string{ // "!" means that the text is refused
		"plain":                  "plain",
		"  spaced \t\n":          "spaced",
		"two  inner":             "two  inner",
		"line\r\nline":           "line\nline",
		"tab\there":              "tab\there",
		"e\u0301":                "é",
		"\u00a0no-break":         "no-break",
		"emoji 👍🏽 stays":         "emoji 👍🏽 stays",
		"<script>":               "<script>",
		"zero\u200bwidth":        "zero\u200bwidth",
		"\u200b\u2060 \ufeff":    "",
		"nul\x00":                "!",
		"bell\a":                 "!",
		"lone\rreturn":           "!",
		"\x1b[31mred":            "!",
		"delete\x7f":             "!",
		"next\u0085line":         "!",
		"over\u202eride":         "!",
		"isolate\u2066":          "!",
		"\x00":                   "!",
		"\vleading tab":          "!",
		"trailing feed\f":        "!",
		"trailing return\r":      "!",
		"trailing line\u0085":    "!",
		"invalid UTF-8 \xff":     "!",
		"surrogate \xed\xa0\x80": "!",
		"replacement \ufffd":     "replacement \ufffd",
		"right-to-left עברית":    "right-to-left עברית",
	} {
		m := &promotionsv1.ListPromotionsRequest{Title: given}
		violations, err := v.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(violations) > 0; refused != (want == "!") || !refused && m.GetTitle() != want {
			t.Errorf("%q is normalized to %q with violations %v, want %q", given, m.GetTitle(), violations, want)
		}
	}
}

// TestInvisibleText checks that a text of invisible characters counts as empty.
func TestInvisibleText(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"spaces":                       " \u00a0\u1680\u2000\u2003\u200a\u202f\u205f\u3000",
		"line separators":              "\u2028\u2029",
		"zero-width characters":        "\u200b\u200c\u200d\u2060\ufeff",
		"direction marks":              "\u200e\u200f\u061c",
		"soft hyphen":                  "\u00ad",
		"grapheme joiner":              "\u034f",
		"Hangul filler":                "\u3164",
		"halfwidth Hangul filler":      "\uffa0",
		"Hangul jamo fillers":          "\u115f\u1160",
		"braille blank":                "\u2800",
		"Khmer inherent vowels":        "\u17b4\u17b5",
		"Mongolian selectors":          "\u180b\u180e\u180f",
		"variation selectors":          "\ufe00\ufe0f\U000e0100\U000e01ef",
		"tag characters":               "\U000e0001\U000e0041\U000e007f",
		"invisible operators":          "\u2061\u2064\u2065",
		"deprecated format characters": "\u206a\u206f",
		"interlinear annotation":       "\ufff9\ufffb",
		"unassigned ignorables":        "\ufff0\U000e0002\U000e0fff",
		"musical format characters":    "\U0001d173\U0001d17a",
		"musical null notehead":        "\U0001d159",
		"shorthand format characters":  "\U0001bca0\U0001bca3",
		"object replacement character": "\ufffc",
		"Egyptian blanks":              "\U00013441\U00013442",
		"combining marks":              "\u0301\u0327\u20dd\u0903",
		"private use":                  "\ue000\U000f0000\U00100000",
		"unassigned":                   "\u0378\U0003fffe",
		"noncharacters":                "\ufdd0\uffff",
	} {
		m := &promotionsv1.CreatePromotionRequest{Promotion: &promotionsv1.Promotion{
			Title: text, Type: promotionsv1.PromotionType_BONUS, Amount: "1", StartDate: "2026-01-01", EndDate: "2026-01-01",
		}}
		violations, err := v.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules(violations); got != "promotion.title:required" {
			t.Errorf("%s: got violations %q, want promotion.title:required", name, got)
		}
		for _, c := range text {
			list := &promotionsv1.ListPromotionsRequest{Title: string(c)}
			if violations, err := v.Check(list); err != nil || len(violations) > 0 || list.GetTitle() != "" {
				t.Errorf("%s: %U is normalized to %q with violations %v, %v", name, c, list.GetTitle(), violations, err)
			}
		}
	}
	for _, text := range []string{"ㅤa", "é", "한글", "हि", "👍🏽", "🏴\U000e0067\U000e007f", "♥️", "⠁", "।", "·", "\u0e01\u0e34"} {
		m := &promotionsv1.ListPromotionsRequest{Title: text}
		if violations, err := v.Check(m); err != nil || len(violations) > 0 || m.GetTitle() != text {
			t.Errorf("%q is normalized to %q with violations %v, %v", text, m.GetTitle(), violations, err)
		}
	}
}

func FuzzText(f *testing.F) {
	v, err := validation.New()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"plain", " e\u0301 ", "\u3164", "a\r\nb", "\x00", "\u202e", "\ufe0f\u0301"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := &promotionsv1.ListPromotionsRequest{Title: text}
		violations, err := v.Check(m)
		if err != nil || len(violations) > 0 {
			return
		}
		once := m.GetTitle()
		if violations, err := v.Check(m); err != nil || len(violations) > 0 || m.GetTitle() != once {
			t.Errorf("%q is normalized to %q, then to %q with violations %v, %v", text, once, m.GetTitle(), violations, err)
		}
	})
}

func TestSecretsAreNotChanged(t *testing.T) {
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

func TestOneViolationPerField(t *testing.T) {
	v, err := validation.New((&promotionsv1.CreatePromotionRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	found := apperr.Violation{Field: "promotion.amount", Rule: "json.type", Message: "a string is expected"}
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

func TestMissingAndUnreadableFields(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	found := apperr.Violation{Field: "player_ids[0]", Rule: "json.type", Message: "a string is expected"}
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

func TestEmptyStringsAreMissing(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	violations, err := v.Check(&usersv1.LoginRequest{Email: "a@b.example"})
	if err != nil {
		t.Fatal(err)
	}
	want := apperr.Violation{Field: "password", Rule: "required", Message: "the field is required"}
	if len(violations) != 1 || violations[0] != want {
		t.Errorf("got %v, want %v", violations, want)
	}
}

func rules(violations []apperr.Violation) string {
	got := make([]string, 0, len(violations))
	for _, violation := range violations {
		got = append(got, violation.Field+":"+violation.Rule)
	}
	return strings.Join(got, " ")
}

func TestNumberOfViolationsIsLimited(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	m := &promotionsv1.AssignRequest{PromotionId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", PlayerIds: make([]string, 1000)}
	violations, err := v.Check(m)
	if err != nil || len(violations) != 100 {
		t.Errorf("there are %d violations, %v; want 100", len(violations), err)
	}
}

func TestMoneyIsNormalized(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{ // "!" means that the amount is refused
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
			t.Errorf("%q is normalized to %q with violations %v, want %q", given, m.GetAmount(), violations, want)
		}
	}
}

// TestFieldTypes checks that each value of a transaction that the conversion to the domain cannot read violates its field.
func TestFieldTypes(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		m    proto.Message
		want string
	}{
		"valid transaction": {&usersv1.Transaction{
			Id: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", UserId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001",
			Type: usersv1.TransactionType_CREDIT, Amount: "1.00", BalanceAfter: "1.00", CreatedAt: timestamppb.Now(),
		}, ""},
		"invalid transaction": {&usersv1.Transaction{
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

func TestFixedFieldsCannotBeChanged(t *testing.T) {
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

func TestMask(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		mask             *fieldmaskpb.FieldMask
		want, violations string
	}{
		"no mask":                {nil, "amount title", ""},
		"empty mask":             {&fieldmaskpb.FieldMask{}, "amount title", ""},
		"mask of an empty path":  {&fieldmaskpb.FieldMask{Paths: []string{""}}, "amount title", ""},
		"one field":              {&fieldmaskpb.FieldMask{Paths: []string{"title"}}, "title", ""},
		"one field, twice":       {&fieldmaskpb.FieldMask{Paths: []string{"title", "title"}}, "title", ""},
		"unknown field":          {&fieldmaskpb.FieldMask{Paths: []string{"colour"}}, "", "update_mask:update_mask"},
		"field and empty path":   {&fieldmaskpb.FieldMask{Paths: []string{"title", ""}}, "title", "update_mask:update_mask"},
		"unknown and known":      {&fieldmaskpb.FieldMask{Paths: []string{"colour", "title"}}, "title", "update_mask:update_mask"},
		"JSON name":              {&fieldmaskpb.FieldMask{Paths: []string{"startDate"}}, "", "update_mask:update_mask"},
		"required field missing": {&fieldmaskpb.FieldMask{Paths: []string{"start_date"}}, "start_date", "promotion.startDate:required"},
	} {
		m := &promotionsv1.UpdatePromotionRequest{
			PromotionId: "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001",
			Promotion:   &promotionsv1.Promotion{Title: "A", Amount: "1"}, UpdateMask: tt.mask,
		}
		violations, err := v.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(m.GetUpdateMask().GetPaths(), " "); got != tt.want || rules(violations) != tt.violations {
			t.Errorf("%s: the mask is %q with violations %q, want %q with %q", name, got, rules(violations), tt.want, tt.violations)
		}
	}
}
