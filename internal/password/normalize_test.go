package password_test

import (
	"errors"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/password"
)

func TestNormalize(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"ASCII":                      {"correct horse", "correct horse"},
		"composed":                   {"p\u00e4ssword-1", "p\u00e4ssword-1"},
		"decomposed":                 {"pa\u0308ssword-1", "p\u00e4ssword-1"},
		"two combining marks":        {"o\u0302\u0323", "\u1ed9"},
		"Hangul jamo":                {"\u1112\u1161\u11ab", "\ud55c"},
		"canonical singleton":        {"\u212b", "\u00c5"},
		"composition exclusion":      {"\u0958", "\u0915\u093c"},
		"no-break space":             {"a\u00a0b", "a b"},
		"ideographic space":          {"a\u3000b", "a b"},
		"surrounding spaces":         {" a ", " a "},
		"case":                       {"PassWord", "PassWord"},
		"compatibility is kept":      {"\uff41\ufb01", "\uff41\ufb01"},
		"emoji":                      {"\U0001f40e", "\U0001f40e"},
		"right-to-left is kept":      {"\u05d0\u05d11a", "\u05d0\u05d11a"},
		"zero-width joiner in Hindi": {"\u0915\u094d\u200d", "\u0915\u094d\u200d"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := password.Normalize(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("Normalize(%+q) = %+q, %v; want %+q", tt.in, got, err, tt.want)
			}
			if again, err := password.Normalize(got); err != nil || again != got {
				t.Errorf("a second Normalize gives %+q, %v; want %+q", again, err, got)
			}
		})
	}
}

func TestNormalizeRefusesForbiddenCharacters(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                 "",
		"NUL":                   "pass\x00word",
		"line feed":             "password\n",
		"tab":                   "pass\tword",
		"delete":                "pass\x7fword",
		"C1 control":            "pass\u0085word",
		"byte order mark":       "\ufeffpassword",
		"zero-width space":      "pass\u200bword",
		"bidirectional control": "pass\u202eword",
		"unassigned":            "pass\u0378word",
		"private use":           "pass\ue000word",
		"noncharacter":          "pass\ufffeword",
		"invalid UTF-8":         "pass\xffword",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := password.Normalize(in); !errors.Is(err, password.ErrNotAllowed) {
				t.Errorf("Normalize(%+q) = %+q, %v; want ErrNotAllowed", in, got, err)
			}
		})
	}
}

// FuzzNormalize checks that Normalize is idempotent.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"", "correct horse", "pa\u0308ssword-1", "a\u00a0b", "\x00", "\xff", "\u0344", "e\u0300\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		normal, err := password.Normalize(s)
		if err != nil {
			return
		}
		if again, err := password.Normalize(normal); err != nil || again != normal {
			t.Errorf("Normalize(%+q) = %+q, and a second Normalize gives %+q, %v", s, normal, again, err)
		}
	})
}
