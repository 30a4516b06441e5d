package main

import (
	"strings"
	"testing"
)

func TestPythonNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"user_id": "user_id", "createdAt": "created_at", "listMyTransactions": "list_my_transactions", "from": "from_",
	} {
		if got := pythonName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := errorClass("PROMOTION_EXISTS"); got != "PromotionExistsError" {
		t.Errorf("got %s, want PromotionExistsError", got)
	}
}

func TestPythonDoc(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`Returns "a" \ b.`:         `    """Returns "a" \\ b."""`,
		`The default: "x"`:         `    """The default: "x" """`,
		"Values:\n- `A`: One.":     "    \"\"\"Values:\n\n    - ``A``: One.\n    \"\"\"",
		strings.Repeat("abc ", 31): "    \"\"\"" + strings.TrimSpace(strings.Repeat("abc ", 27)) + "\n    abc abc abc abc\n    \"\"\"",
	} {
		if got := pythonDoc(4, text); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestPythonLines(t *testing.T) {
	t.Parallel()
	arguments := strings.Repeat("argument, ", 12)
	got := string(wrapPython("\n    call(" + arguments + ")\n    call(a, )\n\n"))
	want := "    call(\n" + strings.Repeat("        argument,\n", 12) + "    )\n    call(a,)\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
