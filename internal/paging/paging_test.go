package paging_test

import (
	"encoding/base64"
	"strings"
	"testing"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/paging"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for given, want := range map[int32]int{0: 20, 1: 1, 100: 100, 101: 100, 1<<31 - 1: 100, -1: 20} {
		page, err := paging.Parse(&promotionsv1.ListPromotionsRequest{PageSize: given}, text)
		if err != nil || page.Size != want {
			t.Errorf("page size %d is parsed as %d, %v; want %d", given, page.Size, err, want)
		}
	}
}

// text parses a key that may be any text.
func text(key string) (string, error) { return key, nil }

func list(title, token string) *promotionsv1.ListPromotionsRequest {
	return &promotionsv1.ListPromotionsRequest{Title: title, PageSize: 5, PageToken: token}
}

// next returns the token of the page after the item with the key.
func next(t testing.TB, r paging.Request, key string) string {
	t.Helper()
	token, err := paging.NextToken(r, keyset.Page[string]{Items: []string{key}, More: true}, strings.Clone)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// position returns the key in the token of the request.
func position(r paging.Request) (string, error) {
	page, err := paging.Parse(r, text)
	return page.Before, err
}

func TestTokenContainsKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001", "ö", strings.Repeat("y", 200), "\x00"} {
		got, err := position(list("a", next(t, list("a", ""), key)))
		if err != nil || got != key {
			t.Errorf("the token of key %q is parsed as %q, %v", key, got, err)
		}
	}
}

func TestEmptyTokenSelectsFirstPage(t *testing.T) {
	t.Parallel()
	if at, err := position(list("a", "")); at != "" || err != nil {
		t.Errorf("an empty token is parsed as %q, %v; want no key", at, err)
	}
}

func TestLastPageHasNoToken(t *testing.T) {
	t.Parallel()
	for name, items := range map[string][]string{"with items": {"b", "a"}, "empty": nil} {
		token, err := paging.NextToken(list("a", ""), keyset.Page[string]{Items: items}, strings.Clone)
		if token != "" || err != nil {
			t.Errorf("%s: the next token is %q, %v; want none", name, token, err)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	page, err := paging.Parse(list("a", next(t, list("a", ""), "42")), paging.Number)
	if page.Before != 42 || err != nil {
		t.Errorf("key 42 is parsed as %d, %v", page.Before, err)
	}
	for _, key := range []string{"0", "-1", "x", "9223372036854775808"} {
		_, err := paging.Parse(list("a", next(t, list("a", ""), key)), paging.Number)
		if apperr.CodeOf(err) != apperr.ValidationFailed {
			t.Errorf("key %q: got error %v, want VALIDATION_FAILED", key, err)
		}
	}
}

func TestPageSizeMayChangeBetweenPages(t *testing.T) {
	t.Parallel()
	r := list("a", next(t, list("a", ""), "item-5"))
	r.PageSize = 7
	if at, err := position(r); at != "item-5" || err != nil {
		t.Errorf("the token is parsed as %q, %v; want item-5", at, err)
	}
}

func TestInvalidTokens(t *testing.T) {
	t.Parallel()
	good := next(t, list("a", ""), "item-5")
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other := append([]byte{}, raw...)
	other[0] = 9
	for name, r := range map[string]paging.Request{
		"another filter":  list("b", good),
		"another list":    &promotionsv1.ListPlayerPromotionsRequest{PageToken: next(t, list("", ""), "item-5")},
		"not base64":      list("a", "%%%"),
		"padded":          list("a", good+"="),
		"spaces":          list("a", " "+good+" "),
		"a line break":    list("a", good[:5]+"\n"+good[5:]),
		"invisible":       list("a", "\u200b"),
		"another version": list("a", base64.RawURLEncoding.EncodeToString(other)),
		"too short":       list("a", "AQ"),
		"without a key":   list("a", next(t, list("a", ""), "")),
		"too long":        list("a", next(t, list("a", ""), strings.Repeat("a", 600))),
	} {
		at, err := position(r)
		if e := apperr.From(err); err == nil || e.Code != apperr.ValidationFailed || e.Violations[0].Field != paging.Field {
			t.Errorf("%s: got %q, %v; want a violation of %s", name, at, err, paging.Field)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(next(f, list("x", ""), "a"))
	f.Add("")
	f.Add("AQAAAAAAAAAAAf8")
	f.Fuzz(func(t *testing.T, token string) {
		at, err := position(list("x", token))
		switch {
		case err != nil:
			if apperr.CodeOf(err) != apperr.ValidationFailed {
				t.Fatalf("token %q: got error %v, want VALIDATION_FAILED", token, err)
			}
		case token == "" || at == "":
			if token != at {
				t.Fatalf("token %q is parsed as %q", token, at)
			}
		case next(t, list("x", ""), at) != token:
			t.Fatalf("token %q is parsed as %q, which has a different token", token, at)
		}
	})
}
