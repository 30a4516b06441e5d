package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

// ledgerRow measures AddTransaction in process. Each caller uses its own players.
func ledgerRow(callers int, goal float64) Row {
	return Row{
		Name: fmt.Sprintf("ledger, in process, %d callers", callers), Metrics: throughput("entries/s", goal),
		Limit: fmt.Sprintf("pgbench -c %d: update the balance, insert the entry, no event", callers),
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			return env.ledgerPair(ctx, callers, false)
		},
	}
}

// hotRow measures AddTransaction in process. All callers use the same player.
func hotRow(goal float64) Row {
	const callers = 32
	return Row{
		Name: fmt.Sprintf("hot account, in process, %d callers", callers), Metrics: throughput("entries/s", goal),
		Limit: fmt.Sprintf("pgbench -c %d on one row", callers),
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			return env.ledgerPair(ctx, callers, true)
		},
	}
}

func (e *Env) ledgerPair(ctx context.Context, callers int, hot bool) (*Pair, error) {
	ledger, err := app.OpenLedger(ctx, e.pool, e.key, func() {}, e.log)
	if err != nil {
		return nil, err
	}
	closeLedger := func() error {
		ledger.Close()
		return nil
	}
	ours := addInProcess(ledger, callers, hot)
	return &Pair{Ours: one(ours), Limit: one(e.addByPgbench(callers, hot)), Close: closeLedger}, nil
}

// addInProcess measures AddTransaction in process.
func addInProcess(ledger *app.StandaloneLedger, callers int, hot bool) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		return load(ctx, callers, d, func(ctx context.Context, caller, n int) error {
			key, err := uuid.NewV7()
			if err != nil {
				return err
			}
			_, err = ledger.AddTransaction(ctx, users.Entry{
				UserID: playerOf(caller, callers, n, hot), Type: users.TransactionTypeCredit, Amount: 1,
				Description:    "Claimed 'Welcome' promotion of type 'WELCOME_BONUS'",
				AdditionalData: map[string]any{"promotionId": playerPrefix + "000000000000"},
				IdempotencyKey: key.String(),
			})
			return err
		})
	}
}

// playerOf returns the player of the n-th entry of a caller. If hot is true, it is always the same player. Otherwise each
// caller cycles through its own players.
func playerOf(caller, callers, n int, hot bool) uuid.UUID {
	if hot {
		return playerID(0)
	}
	each := ourPlayers / callers
	return playerID(caller*each + n%each)
}
