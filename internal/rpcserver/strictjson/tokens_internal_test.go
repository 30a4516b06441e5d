package strictjson

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzTokens compares the tokens and raw values of any well-formed JSON with those of encoding/json.
func FuzzTokens(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` [ ] `, `null`, `true`, `-1.5e+3`, `"a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é"`, `{"a" : [1, {"b":"]"}, "\\"], "c":null}`,
		`[[[]],{"":{}},false,0]`, `{"a\"b":"}"}`, "\"\u2028\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if wellFormed(data) != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		tok := tokens{data: data}
		for tok.next() != 0 {
			if tok.more() != dec.More() {
				t.Fatalf("%q: more is %t at byte %d", data, tok.more(), tok.at)
			}
			want, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			if got := tok.token(); got != want {
				t.Fatalf("%q: token %#v before byte %d, want %#v", data, got, tok.at, want)
			}
			if int64(tok.at) != dec.InputOffset() {
				t.Fatalf("%q: offset %d after token %v, want %d", data, tok.at, want, dec.InputOffset())
			}
		}
		if _, err := dec.Token(); err == nil {
			t.Fatalf("%q: a token is missing", data)
		}

		var want json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if got := (&tokens{data: data}).raw(); !bytes.Equal(got, bytes.TrimSpace(want)) {
			t.Fatalf("raw value %q, want %q", got, want)
		}
	})
}
