package paging_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/paging"
)

func TestSize(t *testing.T) {
	for given, want := range map[int32]int{0: 20, 1: 1, 100: 100, 101: 100, 1<<31 - 1: 100, -1: 20} {
		if got := paging.Size(given); got != want {
			t.Errorf("Size(%d) = %d, want %d", given, got, want)
		}
	}
}

func TestTokenCarriesItsKey(t *testing.T) {
	filter := paging.FilterOf("BONUS", "", "true")
	for _, key := range [][]string{{"0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001"}, {"", "x"}, {"ö", strings.Repeat("y", 200), "\x00"}} {
		token := paging.Encode(filter, key...)
		got, err := paging.Decode(token, filter, len(key))
		if err != nil || !slices.Equal(got, key) {
			t.Errorf("Decode(Encode(%q)) = %q, %v", key, got, err)
		}
	}
}

func TestEmptyTokenIsTheFirstPage(t *testing.T) {
	if key, err := paging.Decode("", paging.FilterOf("x"), 1); key != nil || err != nil {
		t.Errorf("Decode(\"\") = %q, %v", key, err)
	}
}

func TestFiltersDiffer(t *testing.T) {
	if paging.FilterOf("ab", "c") == paging.FilterOf("a", "bc") {
		t.Error("values that only join to the same text have the same fingerprint")
	}
}

func TestRefusedTokens(t *testing.T) {
	filter := paging.FilterOf("BONUS")
	good := paging.Encode(filter, "a")
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other := append([]byte{}, raw...)
	other[0] = 9
	long := append(append([]byte{}, raw[:9]...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)
	for name, token := range map[string]string{
		"another filter":   paging.Encode(paging.FilterOf("CREDIT"), "a"),
		"more parts":       paging.Encode(filter, "a", "b"),
		"fewer parts":      paging.Encode(filter),
		"cut":              good[:len(good)-2],
		"not base64":       "@@@@",
		"padded":           good + "=",
		"another version":  base64.RawURLEncoding.EncodeToString(other),
		"too short":        "AQ",
		"length of 2^64-1": base64.RawURLEncoding.EncodeToString(long),
		"too long":         paging.Encode(filter, strings.Repeat("a", 600)),
	} {
		t.Run(name, func(t *testing.T) {
			key, err := paging.Decode(token, filter, 1)
			e := apperr.From(err)
			if err == nil || e.Code != apperr.ValidationFailed || e.Violations[0].Field != "page_token" {
				t.Errorf("Decode = %q, %v; want a violation of page_token", key, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	filter := paging.FilterOf("x")
	f.Add(paging.Encode(filter, "a", "b"))
	f.Add("")
	f.Add("AQAAAAAAAAAAAf8")
	f.Fuzz(func(t *testing.T, token string) {
		key, err := paging.Decode(token, filter, 2)
		switch {
		case err != nil:
			if apperr.CodeOf(err) != apperr.ValidationFailed {
				t.Fatalf("Decode(%q): %v", token, err)
			}
		case token == "":
		case len(key) != 2:
			t.Fatalf("Decode(%q) = %q", token, key)
		default:
			again, err := paging.Decode(paging.Encode(filter, key...), filter, 2)
			if err != nil || !slices.Equal(again, key) {
				t.Fatalf("%q is read as %q and then as %q, %v", token, key, again, err)
			}
		}
	})
}
