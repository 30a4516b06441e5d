package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedFiles compares the committed files with the output for the committed OpenAPI documents.
func TestGeneratedFiles(t *testing.T) {
	t.Parallel()
	a, err := load(os.DirFS("../../openapi"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(a)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../../sdk", filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("sdk/%s is out of date (%v); run make gen", name, err)
		}
	}
}

func TestTypeScriptDocs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One line.": "  /** One line. */",
		"A */ b.":   "  /** A * / b. */",
		"First.\n- " + strings.Repeat("word ", 30): "  /**\n   * First.\n   * - " + strings.Repeat("word ", 21) + "word\n   *   " +
			strings.TrimSpace(strings.Repeat("word ", 8)) + "\n   */",
	} {
		if got := jsDoc("  ", text); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", text, got, want)
		}
	}
}

// TestModel checks what the SDKs derive from the documents.
func TestModel(t *testing.T) {
	t.Parallel()
	a, err := load(os.DirFS("../../openapi"))
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]operation{}
	for _, o := range a.Operations {
		operations[o.Name] = o
	}
	for name, want := range map[string]struct{ auth, repeat, page string }{
		"register":             {"NONE", "KEY", ""},
		"login":                {"NONE", "NO", ""},
		"refresh":              {"REFRESH", "TOKEN", ""},
		"logout":               {"REFRESH", "TOKEN", ""},
		"listUsers":            {"ACCESS", "SAFE", "users"},
		"listPlayerPromotions": {"ACCESS", "SAFE", "assignments"},
		"createPromotion":      {"ACCESS", "KEY", ""},
		"claim":                {"ACCESS", "KEY", ""},
		"endMySession":         {"ACCESS", "KEY", ""},
	} {
		if o := operations[name]; o.Auth != want.auth || o.Repeat != want.repeat || o.Page != want.page {
			t.Errorf("%s: got auth %s, repeat %s, page %q, want %+v", name, o.Auth, o.Repeat, o.Page, want)
		}
	}
	if got := operations["claim"].Errors; len(got) < 4 {
		t.Errorf("claim has the error codes %q", got)
	}
	for _, o := range a.Types {
		if want := map[string]string{
			"PromotionPatch": "PATCH", "PromotionInput": "REQUEST", "Promotion": "ANSWER",
			"PromotionLimitsPatch": "PATCH", "PromotionLimitsInput": "REQUEST", "PromotionLimits": "ANSWER",
		}[o.Name]; want != "" && o.Usage != want {
			t.Errorf("%s is used as %s, want %s", o.Name, o.Usage, want)
		}
	}
}

func TestGoNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"user_id": "UserID", "transactionId": "TransactionID", "createdAt": "CreatedAt", "player_ids": "PlayerIDs", "id": "ID",
		"listMyTransactions": "ListMyTransactions", "additionalData": "AdditionalData",
	} {
		if got := goName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := codeName("PROMOTION_EXISTS"); got != "CodePromotionExists" {
		t.Errorf("got %s, want CodePromotionExists", got)
	}
}
