package postgres_test

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

func ExampleInTx() {
	transfer := func(ctx context.Context, pool *pgxpool.Pool, from, to string, amount int64) error {
		return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "update accounts set balance = balance - $2 where id = $1", from, amount); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "update accounts set balance = balance + $2 where id = $1", to, amount)
			return err
		})
	}
	_ = transfer
}
