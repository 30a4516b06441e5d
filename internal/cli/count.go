package cli

import "fmt"

// Count returns a number with its noun: "1 entry", "2 entries".
func Count[N int | int64](n N, singular, plural string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, singular)
	}
	return fmt.Sprintf("%d %s", n, plural)
}
