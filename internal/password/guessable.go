package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn/frequency"
)

// maxAdded is the number of characters that can be added to a common word without making it a good password.
const maxAdded = 5

// maxRuns is the maximum number of runs in a password that consists of runs, such as "aaaa1234".
const maxRuns = 3

// Guessable reports whether a normalized password is common or trivially guessable, and returns the reason as a sentence
// about the password. email is the e-mail of the user, or empty. Guessable compares the password with the e-mail and with
// lists of common passwords, names and English words. Its costs grow only with the length of the password.
func Guessable(password, email string) (reason string, guessable bool) {
	text := strings.ToLower(password)
	unit := repeatedUnit(text)
	switch {
	case derived(text, strings.ToLower(email)):
		return "it is derived from the e-mail", true
	case utf8.RuneCountInString(unit) < MinLength/2:
		return "it repeats a few characters", true
	case runs(unit) <= maxRuns:
		return "it consists of sequences of characters", true
	case common(unit):
		return "it is a common password or word, or differs from one by a few characters", true
	}
	return "", false
}

// repeatedUnit returns the shortest text whose repetition gives text. The last repetition may be incomplete. It returns text
// if nothing is repeated completely.
func repeatedUnit(text string) string {
	runes := []rune(text)
	for n := 1; n <= (len(runes)+1)/2; n++ {
		if slices.Equal(runes[n:], runes[:len(runes)-n]) {
			return string(runes[:n])
		}
	}
	return text
}

// runs returns the number of runs in text. A run is a sequence of equal characters, of characters that follow each other in
// the alphabet in either direction, or of neighbours in a row of a keyboard.
func runs(text string) int {
	n, last, step := 0, rune(-1), noStep
	for _, r := range text {
		next := stepOf(last, r)
		if next == noStep || step != noStep && next != step {
			n, next = n+1, noStep
		}
		last, step = r, next
	}
	return n
}

// noStep is the result of stepOf for characters that do not follow each other.
const noStep = 2

// stepOf returns the distance between two characters of a run: -1, 0 or 1. It returns noStep for other characters.
func stepOf(a, b rune) int {
	if d := int(b) - int(a); a >= 0 && d >= -1 && d <= 1 {
		return d
	}
	for _, row := range keyboardRows() {
		i, j := strings.IndexRune(row, a), strings.IndexRune(row, b)
		if i >= 0 && j >= 0 && (j-i == 1 || i-j == 1) {
			return j - i
		}
	}
	return noStep
}

func keyboardRows() []string {
	return []string{
		"1234567890", "!@#$%^&*()", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm",
	}
}

// common reports whether text is a common password, a name or an English word, with at most maxAdded other characters before
// or after it. It also finds words that are reversed or written with digits and symbols in place of letters.
func common(text string) bool {
	var words []string
	for _, spelled := range []string{text, letters(text)} {
		word := strings.TrimFunc(spelled, func(r rune) bool { return !unicode.IsLetter(r) })
		if utf8.RuneCountInString(spelled)-utf8.RuneCountInString(word) > maxAdded {
			word = spelled
		}
		words = append(words, spelled, word, reverse(word))
	}
	for _, list := range frequency.FrequencyLists {
		for _, word := range list {
			if slices.Contains(words, word) {
				return true
			}
		}
	}
	return false
}

// letters replaces the digits and symbols that often stand for letters.
func letters(text string) string {
	return strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "3", "e", "6", "g", "9", "g", "1", "i", "!", "i",
		"|", "l", "0", "o", "5", "s", "$", "s", "7", "t", "+", "t", "2", "z").Replace(text)
}

func reverse(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// derived reports whether text consists of parts of the e-mail and at most maxAdded other letters and digits.
func derived(text, email string) bool {
	local, domain, _ := strings.Cut(email, "@")
	parts := append([]string{email, local, domain}, strings.FieldsFunc(email, notLetterOrDigit)...)
	slices.SortStableFunc(parts, func(a, b string) int { return len(b) - len(a) })
	rest := text
	for _, part := range parts {
		if utf8.RuneCountInString(part) >= minPart {
			rest = strings.ReplaceAll(rest, part, "")
		}
	}
	others := strings.FieldsFunc(rest, notLetterOrDigit)
	return rest != text && utf8.RuneCountInString(strings.Join(others, "")) <= maxAdded
}

// minPart is the minimum length of the parts of an e-mail that derived finds, in characters.
const minPart = 3

func notLetterOrDigit(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
