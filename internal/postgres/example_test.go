package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// fakeDatabase begins transactions that do nothing.
type fakeDatabase struct{ pgx.Tx }

func (d fakeDatabase) Begin(context.Context) (pgx.Tx, error) { return d, nil }
func (fakeDatabase) Commit(context.Context) error            { fmt.Println("commit"); return nil }
func (fakeDatabase) Rollback(context.Context) error          { return nil }

func ExampleInTx() {
	attempt := 0
	err := postgres.InTx(context.Background(), fakeDatabase{}, func(pgx.Tx) error {
		attempt++
		fmt.Println("attempt", attempt)
		if attempt == 1 {
			return &pgconn.PgError{Code: "40P01"} // PostgreSQL resolved a deadlock by rolling this transaction back
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// attempt 1
	// attempt 2
	// commit
	// <nil>
}
