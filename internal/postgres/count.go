package postgres

import (
	"fmt"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// CountSQL returns the statement that counts the rows of a table that meet an SQL condition. It stops counting above
// keyset.MaxExactTotal, so that it does not cost more because the table grew; the number is then an estimate.
func CountSQL(table, where string) string {
	return fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d) counted",
		table, where, keyset.MaxExactTotal+1)
}
