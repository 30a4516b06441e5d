package password_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/password"
)

func TestGuessable(t *testing.T) {
	const (
		email    = "derived from the e-mail"
		repeated = "repeats"
		sequence = "sequences"
		common   = "common"
	)
	for in, want := range map[string]string{
		"password": common, "PassWord": common, "P@ssw0rd1": common, "password-1": common, "Passw0rd!": common, "1password!": common,
		"drowssap": common, "letmein1": common, "iloveyou123": common, "Summer2026!": common, "q1w2e3r4t5": common, "Dragon2024!": common,
		"!sunshine!": common, "passwordpassword": common, "password password": common, strings.Repeat("password", 16): common,
		"        ": repeated, "aaaaaaaa": repeated, "abcabcabc": repeated, "\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1\u03b1": repeated,
		"12345678": sequence, "87654321": sequence, "abcdefgh": sequence, "abcdefgh1": sequence, "aaaa1234": sequence,
		"qwertyuiop": sequence, "QWERTY123": sequence, "asdfghjkl": sequence, "!@#$%^&*": sequence, "abc123xyz": sequence,
		"\u0430\u0431\u0432\u0433\u0434\u0435\u0436\u0437": sequence,
		"anna.smith@example.com":                           email, "Anna.Smith": email, "annasmith": email, "smithanna1990": email, "example.com": email,
		"annaexample!": email, "smith-2026": email,

		"correct horse": "", "correct horse battery": "", "demo-password": "", "anna-password": "", "admin of the tests": "",
		"kX9#vQ2m": "", "MyDogRex77Barks": "", strings.Repeat("\u00fc", 60) + "kX9#vQ2m": "",
		"\u043f\u0430\u0440\u043e\u043b\u044c \u043b\u043e\u0448\u0430\u0434\u044c": "",
	} {
		reason, guessable := password.Guessable(in, "Anna.Smith@example.com")
		if guessable != (want != "") || !strings.Contains(reason, want) {
			t.Errorf("Guessable(%q) = %q, %t; want %q", in, reason, guessable, want)
		}
	}
	if reason, guessable := password.Guessable("kX9#vQ2m", ""); guessable {
		t.Errorf("without an e-mail: got %q, want a good password", reason)
	}
}

func FuzzGuessable(f *testing.F) {
	f.Add("password", "a@b.example")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, secret, email string) {
		reason, guessable := password.Guessable(secret, email)
		if guessable != (reason != "") {
			t.Errorf("Guessable(%q, %q) = %q, %t", secret, email, reason, guessable)
		}
	})
}

func BenchmarkGuessable(b *testing.B) {
	hostile := strings.Repeat("4@8({[<369!1|!0$5+7%2", 7)[:password.MaxLength]
	for b.Loop() {
		password.Guessable(hostile, "anna.smith@example.com")
	}
}
