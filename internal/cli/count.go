package cli

import "fmt"

// Count returns n with the matching form of a noun, such as "1 entry" or "2 entries".
func Count[N int | int64](n N, singular, plural string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, singular)
	}
	return fmt.Sprintf("%d %s", n, plural)
}
