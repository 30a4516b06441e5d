package strictjson_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
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
		"nothing":             {"", &promotionsv1.Promotion{}, "", ""},
		"an empty object":     {" {} ", &promotionsv1.Promotion{}, "", ""},
		"scalars":             {`{"title":"A","isActive":false,"type":"BONUS"}`, &promotionsv1.Promotion{}, `title:"A" is_active:false type:BONUS`, ""},
		"nested":              {`{"promotion_id":"x","promotion":{"title":"A"},"update_mask":"title,isActive"}`, &promotionsv1.UpdatePromotionRequest{}, `promotion_id:"x" promotion:{title:"A"} update_mask:{paths:"title" paths:"is_active"}`, ""},
		"an instant":          {`{"createdAt":"2026-03-01T00:00:01Z"}`, &promotionsv1.Promotion{}, `created_at:{seconds:1772323201}`, ""},
		"a structure":         {`{"additional_data":{}}`, &usersv1.AddTransactionRequest{}, "", "additional_data:json.unknown_field"},
		"a structure, named":  {`{"additionalData":{"a":[1,null]}}`, &usersv1.AddTransactionRequest{}, `additional_data:{fields:{key:"a" value:{list_value:{values:{number_value:1} values:{null_value:NULL_VALUE}}}}}`, ""},
		"a list":              {`{"player_ids":["a","b"]}`, &promotionsv1.AssignRequest{}, `player_ids:"a" player_ids:"b"`, ""},
		"an empty list":       {`{"player_ids":[]}`, &promotionsv1.AssignRequest{}, ``, ""},
		"a list of messages":  {`{"results":[{"player_id":"a","outcome":"ASSIGNED"},{"x":1}]}`, &promotionsv1.AssignResponse{}, `results:{player_id:"a" outcome:ASSIGNED} results:{}`, "results[1].x:json.unknown_field"},
		"one of two":          {`{"reset":{"reason":"x"},"read":{"all":true}}`, &notificationsv1.Frame{}, `reset:{reason:"x"}`, "read:json.duplicate_field"},
		"no list":             {`{"player_ids":"a"}`, &promotionsv1.AssignRequest{}, ``, "player_ids:json.type"},
		"a number":            {`{"page_size":7}`, &promotionsv1.ListPromotionsRequest{}, `page_size:7`, ""},
		"a number as text":    {`{"page_size":"7"}`, &promotionsv1.ListPromotionsRequest{}, ``, "page_size:json.type"},
		"a fraction":          {`{"page_size":7.0}`, &promotionsv1.ListPromotionsRequest{}, ``, "page_size:json.type"},
		"a large number":      {`{"page_size":2147483648}`, &promotionsv1.ListPromotionsRequest{}, ``, "page_size:json.type"},
		"not an instant":      {`{"createdAt":"now","title":"A"}`, &promotionsv1.Promotion{}, `title:"A"`, "createdAt:json.type"},
		"an object for text":  {`{"title":{"a":{"b":[]}},"amount":"1"}`, &promotionsv1.Promotion{}, `amount:"1"`, "title:json.type"},
		"text for an object":  {`{"promotion":"x"}`, &promotionsv1.CreatePromotionRequest{}, ``, "promotion:json.type"},
		"an enum's number":    {`{"type":1}`, &promotionsv1.Promotion{}, ``, "type:enum.defined_only"},
		"an extension":        {`{"[loyalty.options.v1.access]":{}}`, &promotionsv1.Promotion{}, ``, "[loyalty.options.v1.access]:json.unknown_field"},
		"an option of a type": {`{"options":[{"value":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}]}`, &apipb.Method{}, `options:{value:{[type.googleapis.com/google.protobuf.Duration]:{seconds:1}}}`, ""},
		"null":                {`null`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"two objects":         {`{}{}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"a comment":           {`{/**/}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"a surrogate pair":    {`{"title":"\\\\ud800 \ud83d\ude00"}`, &promotionsv1.Promotion{}, `title:"\\\\ud800 😀"`, ""},
		"half of a pair":      {`{"title":"\ud83d \ude00"}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"the other half":      {`{"title":"\\\uDE00"}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"half a pair, named":  {`{"\ud800":1}`, &promotionsv1.Promotion{}, ``, ":json.syntax"},
		"a byte order mark":   {"\ufeff{}", &promotionsv1.Promotion{}, ``, ":json.syntax"},
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
				t.Errorf("read as %v, want %v", tt.m, want)
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

func TestViolationsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a":1`)
	for range 10_000 {
		b.WriteString(`,"a":1`)
	}
	b.WriteString("}")
	if n := len(strictjson.Unmarshal([]byte(b.String()), &promotionsv1.Promotion{})); n != 50 {
		t.Errorf("there are %d violations", n)
	}
}

func TestMembers(t *testing.T) {
	for json, want := range map[string]string{
		``: "", `{}`: "", `{"a":1,"b":{"c":[{}]},"a":null}`: "a b a", `[1]`: "refused", `{"a":`: "refused", `7`: "refused",
	} {
		names, ok := strictjson.Members([]byte(json))
		if got := strings.Join(names, " "); ok && got != want || !ok && want != "refused" {
			t.Errorf("Members(%s) = %q, %v", json, got, ok)
		}
	}
}

// FuzzUnmarshal compares with protojson: what we accept, it accepts too, and reads the same from it.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{
		`{"promotion_id":"x","promotion":{"title":"A","createdAt":"2026-03-01T00:00:01Z"},"update_mask":"title"}`,
		`{"promotion":{"type":"BONUS","isActive":null,"amount":"1"}}`, `{"promotion":{"type":1}}`, `{"a":[1,{}]}`, `null`,
		`{"promotion_id":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, want := &promotionsv1.UpdatePromotionRequest{}, &promotionsv1.UpdatePromotionRequest{}
		if len(strictjson.Unmarshal(data, got)) > 0 || strings.TrimSpace(string(data)) == "" {
			return
		}
		if strings.Contains(string(data), `\u`) {
			return // encoding/json replaces lone surrogates, which protojson refuses
		}
		if err := protojson.Unmarshal(data, want); err != nil {
			t.Fatalf("accepted %q, which protojson refuses: %v", data, err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("%q is read as %v, want %v", data, got, want)
		}
	})
}
