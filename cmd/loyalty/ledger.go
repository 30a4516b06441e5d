package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

type ledgerSettings struct {
	Database  usersDatabase
	LedgerKey ledgerKey `env:"LOYALTY_LEDGER_KEY,required,notEmpty"`
}

// runLedger shows or reverses a transaction. It works on the database, so the users service need not run. A running replica
// publishes the event of a reversal.
func runLedger(ctx context.Context, c call) error {
	var reason string
	err := c.flags("ledger", 2, func(set *flag.FlagSet) {
		set.StringVar(&reason, "reason", "", "`text` that becomes the description of the reversal; the player can read it")
	})
	if err != nil {
		return err
	}
	if len(c.args) != 2 || c.args[0] != "show" && c.args[0] != "reverse" {
		return errUsage
	}
	id, err := uuid.Parse(c.args[1])
	if err != nil {
		return fmt.Errorf("%w: %q is not the id of a transaction", errUsage, c.args[1])
	}
	if (reason != "") != (c.args[0] == "reverse") {
		return fmt.Errorf("%w: reverse needs --reason, and show must not have it", errUsage)
	}
	s, err := config.LoadWith[ledgerSettings](c.settings)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, string(s.Database.URL), postgres.Options{ApplicationName: "users ledger", MaxConns: 2})
	if err != nil {
		return err
	}
	defer pool.Close()
	ledger, err := app.OpenLedger(ctx, pool, s.LedgerKey.key, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer ledger.Close()
	tx, err := ledger.Transaction(ctx, id)
	if err != nil {
		return err
	}
	if c.args[0] == "reverse" {
		return reverse(ctx, c.stdout, ledger, users.Reversal{UserID: tx.UserID, TransactionID: id, Reason: reason})
	}
	printTransaction(c.stdout, tx)
	reversal, err := ledger.ReversalOf(ctx, tx)
	switch {
	case apperr.CodeOf(err) == apperr.NotFound:
		return nil
	case err != nil:
		return errors.Join(errors.New("look for the reversal"), err)
	}
	fmt.Fprintf(c.stdout, "reversed by    %s\n", reversal.ID)
	return nil
}

// reverse reverses a transaction as an act of an operator, and prints the reversal.
func reverse(ctx context.Context, w io.Writer, ledger *app.StandaloneLedger, r users.Reversal) error {
	act := &audit.Act{Action: string(users.AuditActionReverseTransaction), Operator: true}
	tx, err := ledger.ReverseTransaction(audit.With(ctx, act), r)
	if err != nil {
		return err
	}
	printTransaction(w, tx)
	return nil
}

func printTransaction(w io.Writer, tx users.Transaction) {
	fmt.Fprintf(w, "transaction    %s\nuser           %s\nnumber         %d\n", tx.ID, tx.UserID, tx.Seq)
	fmt.Fprintf(w, "type           %s\namount         %s\nbalance after  %s\n", tx.Type, tx.Amount, tx.BalanceAfter)
	fmt.Fprintf(w, "created at     %s\n", tx.CreatedAt.Format(time.RFC3339Nano))
	fmt.Fprintf(w, "description    %s\n", escapeUnprintable(tx.Description))
	fmt.Fprintf(w, "data           %s\n", escapeUnprintable(fmt.Sprint(tx.AdditionalData)))
	fmt.Fprintf(w, "key            %s\n", escapeUnprintable(tx.IdempotencyKey))
	if tx.Reverses != uuid.Nil {
		fmt.Fprintf(w, "reverses       %s\n", tx.Reverses)
	}
}
