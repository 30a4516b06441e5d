package strictjson_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/apipb"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

func TestUnmarshal(t *testing.T) {
	for name, tt := range map[string]struct {
		json       string
		m          proto.Message
		want       string // in text form
		violations string // field:rule
	}{
		"empty":                     {"", &promotionsv1.Promotion{}, "", ""},
		"white space":               {" \r\n\t", &promotionsv1.Promotion{}, "", ""},
		"empty object":              {" {} ", &promotionsv1.Promotion{}, "", ""},
		"null":                      {"null", &promotionsv1.Promotion{}, "", ""},
		"null in white space":       {" null\n", &promotionsv1.Promotion{}, "", ""},
		"scalars":                   {`{"title":"A","isActive":false,"type":"BONUS"}`, &promotionsv1.Promotion{}, `title:"A" is_active:false type:BONUS`, ""},
		"nested message":            {`{"promotion_id":"x","promotion":{"title":"A"},"update_mask":"title,isActive"}`, &promotionsv1.UpdatePromotionRequest{}, `promotion_id:"x" promotion:{title:"A"} update_mask:{paths:"title" paths:"is_active"}`, ""},
		"timestamp":                 {`{"createdAt":"2026-03-01T00:00:01Z"}`, &promotionsv1.Promotion{}, `created_at:{seconds:1772323201}`, ""},
		"invalid timestamp":         {`{"createdAt":"now","title":"A"}`, &promotionsv1.Promotion{}, `title:"A"`, "createdAt:json.type"},
		"struct":                    {`{"additionalData":{"a":[1,null]}}`, &usersv1.AddTransactionRequest{}, `additional_data:{fields:{key:"a" value:{list_value:{values:{number_value:1} values:{null_value:NULL_VALUE}}}}}`, ""},
		"proto name":                {`{"additional_data":{}}`, &usersv1.AddTransactionRequest{}, "", "additional_data:json.unknown_field"},
		"list":                      {`{"player_ids":["a","b"]}`, &promotionsv1.AssignRequest{}, `player_ids:"a" player_ids:"b"`, ""},
		"empty list":                {`{"player_ids":[]}`, &promotionsv1.AssignRequest{}, ``, ""},
		"list of messages":          {`{"results":[{"player_id":"a","outcome":"ASSIGNED"},{"x":1}]}`, &promotionsv1.AssignResponse{}, `results:{player_id:"a" outcome:ASSIGNED} results:{}`, "results[1].x:json.unknown_field"},
		"two fields of a oneof":     {`{"reset":{"reason":"x"},"read":{"all":true}}`, &notificationsv1.Frame{}, `reset:{reason:"x"}`, "read:json.duplicate_field"},
		"string for a list":         {`{"player_ids":"a"}`, &promotionsv1.AssignRequest{}, ``, "player_ids:json.type"},
		"object for a string":       {`{"title":{"a":{"b":[]}},"amount":"1"}`, &promotionsv1.Promotion{}, `amount:"1"`, "title:json.type"},
		"string for an object":      {`{"promotion":"x"}`, &promotionsv1.CreatePromotionRequest{}, ``, "promotion:json.type"},
		"number for an enum":        {`{"type":1}`, &promotionsv1.Promotion{}, ``, "type:enum.defined_only"},
		"extension":                 {`{"[loyalty.options.v1.access]":{}}`, &promotionsv1.Promotion{}, ``, "[loyalty.options.v1.access]:json.unknown_field"},
		"any":                       {`{"options":[{"value":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}]}`, &apipb.Method{}, `options:{value:{[type.googleapis.com/google.protobuf.Duration]:{seconds:1}}}`, ""},
		"two objects":               {`{}{}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"comment":                   {`{/**/}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"string":                    {`"null"`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"array":                     {`[]`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"surrogate pair":            {`{"title":"\\\\ud800 \ud83d\ude00"}`, &promotionsv1.Promotion{}, `title:"\\\\ud800 😀"`, ""},
		"high surrogate only":       {`{"title":"\ud83d \ude00"}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"low surrogate only":        {`{"title":"\\\uDE00"}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"surrogate in a name":       {`{"\ud800":1}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"byte order mark":           {"\ufeff{\"title\":\"A\"}", &promotionsv1.Promotion{}, `title:"A"`, ""},
		"byte order mark only":      {"\ufeff", &promotionsv1.Promotion{}, ``, ""},
		"byte order mark, null":     {"\ufeff null ", &promotionsv1.Promotion{}, ``, ""},
		"two byte order marks":      {"\ufeff\ufeff{}", &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"byte order mark in a text": {"{\"title\":\"\ufeffA\"}", &promotionsv1.Promotion{}, "title:\"\ufeffA\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := tt.m.ProtoReflect().New().Interface()
			if err := prototext.Unmarshal([]byte(tt.want), want); err != nil {
				t.Fatal(err)
			}
			got := rules(strictjson.Unmarshal([]byte(tt.json), tt.m))
			if got != tt.violations {
				t.Errorf("the violations are %q, want %q", got, tt.violations)
			}
			if !proto.Equal(tt.m, want) {
				t.Errorf("the message is %v, want %v", tt.m, want)
			}
		})
	}
}

func rules(violations []apperr.Violation) string {
	all := make([]string, 0, len(violations))
	for _, v := range violations {
		all = append(all, v.Field+":"+v.Rule)
	}
	return strings.Join(all, " ")
}

// TestNumbers reads numbers of several kinds. JSON does not distinguish 20, 20.0 and 2e1.
func TestNumbers(t *testing.T) {
	large := "1" + strings.Repeat("0", 400)
	for name, tt := range map[string]struct {
		m       proto.Message
		field   string
		valid   map[string]string // from the JSON to the text form
		invalid []string
	}{
		"page size": {
			&promotionsv1.ListPromotionsRequest{}, "page_size", map[string]string{
				"7": "7", "20.0": "20", "2e1": "20", "2E+1": "20", "200e-1": "20", "0.2e2": "20", "1.50e1": "15", "0": "0",
				"-0": "0", "0.000": "0", "0e99999999999999999999": "0", "-20.0": "-20", "2147483647.0": "2147483647",
				// Larger page sizes are lowered to the maximum by package paging.
				"2147483648": "2147483647", "99999999999": "2147483647", "1e400": "2147483647", large: "2147483647",
				"1e99999999999999999999": "2147483647",
			},
			[]string{
				`"7"`, `"x"`, "20.5", "2e-1", "1e-400", "1e-99999999999999999999", "-2147483649", "-1e400", "true", "[]", "{}",
			},
		},
		"32-bit": {
			&promotionsv1.ListPromotionsResponse{}, "total",
			map[string]string{"7": "7", "7.0": "7", "-2147483648": "-2147483648"},
			[]string{"2147483648", "-2147483649", "1e400", `"7"`},
		},
		"64-bit": {
			&descriptorpb.UninterpretedOption{}, "negativeIntValue",
			map[string]string{
				"20": "20", "20.0": "20", "2e1": "20", `"20"`: "20", `"20.0"`: "20", `"2e1"`: "20",
				"9223372036854775807": "9223372036854775807", `"-9.223372036854775808e18"`: "-9223372036854775808",
			},
			[]string{
				"9223372036854775808", "1e19", `"1e19"`, `"20.5"`, "20.5", `" 20"`, `"20 "`, `"+20"`, `"020"`, `""`, `"true"`, `"0x10"`,
			},
		},
		"unsigned": {
			&descriptorpb.UninterpretedOption{}, "positiveIntValue",
			map[string]string{"18446744073709551615": "18446744073709551615", "1.8e19": "18000000000000000000", "-0.0": "0"},
			[]string{"18446744073709551616", "-1", "-1.0"},
		},
		"double": {
			&descriptorpb.UninterpretedOption{}, "doubleValue",
			map[string]string{"20.5": "20.5", "2e1": "20"},
			[]string{"1e400", `"20"`, `"NaN"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fd := tt.m.ProtoReflect().Descriptor().Fields().ByJSONName(tt.field)
			for json, want := range tt.valid {
				m := tt.m.ProtoReflect().New()
				violations := strictjson.Unmarshal([]byte(`{"`+tt.field+`":`+json+`}`), m.Interface())
				if got := m.Get(fd).String(); len(violations) > 0 || got != want {
					t.Errorf("%s is read as %s with violations %v, want %s", json, got, violations, want)
				}
			}
			for _, json := range tt.invalid {
				m := tt.m.ProtoReflect().New()
				if got := rules(strictjson.Unmarshal([]byte(`{"`+tt.field+`":`+json+`}`), m.Interface())); got != tt.field+":json.type" {
					t.Errorf("%s: got violations %q, want %q", json, got, tt.field+":json.type")
				}
			}
		})
	}
}

func TestOtherEncodings(t *testing.T) {
	encode := func(text string, width int, order binary.AppendByteOrder) string {
		var b []byte
		for _, c := range text {
			if width == 2 {
				b = order.AppendUint16(b, uint16(c))
			} else {
				b = order.AppendUint32(b, uint32(c))
			}
		}
		return string(b)
	}
	for _, text := range []string{"{}", "\ufeff{}", `{"title":"A"}`, "\ufeff", "7"} {
		for encoding, data := range map[string]string{
			"UTF-16LE": encode(text, 2, binary.LittleEndian), "UTF-16BE": encode(text, 2, binary.BigEndian),
			"UTF-32LE": encode(text, 4, binary.LittleEndian), "UTF-32BE": encode(text, 4, binary.BigEndian),
		} {
			violations := strictjson.Unmarshal([]byte(data), &promotionsv1.Promotion{})
			if len(violations) != 1 || !strings.Contains(violations[0].Message, encoding[:len("UTF-16")]) {
				t.Errorf("%q in %s: got violations %v, want one that names the encoding", text, encoding, violations)
			}
		}
	}
}

func TestNumberOfViolationsIsLimited(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a":1`)
	for range 10_000 {
		b.WriteString(`,"a":1`)
	}
	b.WriteString("}")
	if n := len(strictjson.Unmarshal([]byte(b.String()), &promotionsv1.Promotion{})); n != 50 {
		t.Errorf("there are %d violations, want 50", n)
	}
}

func TestMembers(t *testing.T) {
	for json, want := range map[string]string{
		``: "", `{}`: "", `null`: "", "\ufeff{\"a\":1}": "a", `{"a":1,"b":{"c":[{}]},"a":null}`: "a b a", `[1]`: "refused", `{"a":`: "refused", `7`: "refused",
	} {
		names, ok := strictjson.Members([]byte(json))
		if got := strings.Join(names, " "); ok && got != want || !ok && want != "refused" {
			t.Errorf("Members(%s) = %q, %v; want %q", json, got, ok, want)
		}
	}
}

// FuzzUnmarshal checks that protojson accepts everything that Unmarshal accepts, and reads the same message from it.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{
		`{"promotion_id":"x","promotion":{"title":"A","createdAt":"2026-03-01T00:00:01Z"},"update_mask":"title"}`,
		`{"promotion":{"type":"BONUS","isActive":null,"amount":"1"}}`, `{"promotion":{"type":1}}`, `{"a":[1,{}]}`, `null`,
		`{"promotion_id":"\ud800"}`, `{"promotion_id":"\ud83c\udfb0","\u0070romotion":{}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, want := &promotionsv1.UpdatePromotionRequest{}, &promotionsv1.UpdatePromotionRequest{}
		if len(strictjson.Unmarshal(data, got)) > 0 || strictjson.Value(data) == nil {
			return
		}
		data = strictjson.Value(data)
		if err := protojson.Unmarshal(data, want); err != nil {
			t.Fatalf("Unmarshal accepts %q, protojson does not: %v", data, err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("%q is read as %v, by protojson as %v", data, got, want)
		}
	})
}
