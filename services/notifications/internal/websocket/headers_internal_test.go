package websocket

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestListValues(t *testing.T) {
	for name, tt := range map[string]struct{ lines, want []string }{
		"no line":        {nil, nil},
		"one value":      {[]string{"a"}, []string{"a"}},
		"one line":       {[]string{"a, b"}, []string{"a", "b"}},
		"several lines":  {[]string{"a", "b, c"}, []string{"a", "b", "c"}},
		"no spaces":      {[]string{"a,b"}, []string{"a", "b"}},
		"many spaces":    {[]string{" \ta \t,\t b  "}, []string{"a", "b"}},
		"empty elements": {[]string{",a,,b, ,", "", ","}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := listValues(http.Header{"X": tt.lines}, "X"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzListValues checks that the lines of a header are parsed as one list, and that each element is trimmed, not empty and
// without commas.
func FuzzListValues(f *testing.F) {
	f.Add("loyalty.v1", "bearer.abc")
	f.Add(" a ,\tb", ",, c,")
	f.Fuzz(func(t *testing.T, first, second string) {
		got := listValues(http.Header{"X": {first, second}}, "X")
		if want := listValues(http.Header{"X": {first + "," + second}}, "X"); !slices.Equal(got, want) {
			t.Errorf("two lines: got %q, want %q as for one line", got, want)
		}
		for _, element := range got {
			if element == "" || strings.Contains(element, ",") || strings.Trim(element, " \t") != element {
				t.Errorf("invalid element %q of the lines %q and %q", element, first, second)
			}
		}
	})
}

// FuzzSubprotocols checks that the access token is never chosen as the subprotocol, because the response would contain it.
func FuzzSubprotocols(f *testing.F) {
	f.Add("loyalty.v1", "bearer.abc")
	f.Add("bearer.", "loyalty.v1+proto, loyalty.v1")
	f.Fuzz(func(t *testing.T, first, second string) {
		offered := listValues(http.Header{"X": {first, second}}, "X")
		chosen := chooseProtocol(offered)
		if chosen != "" && (!slices.Contains(offered, chosen) || strings.HasPrefix(chosen, tokenPrefix)) {
			t.Errorf("chooseProtocol returns %q for %q", chosen, offered)
		}
		if token, ok := bearerProtocol(offered); ok && !slices.Contains(offered, tokenPrefix+token) {
			t.Errorf("bearerProtocol returns the token %q for %q", token, offered)
		}
	})
}
