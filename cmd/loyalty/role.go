package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// ownerRole is the value of LOYALTY_INSECURE_POSTGRES that lets a service connect with a role that can change the rules of
// its database.
const ownerRole = "owner-role"

// insecurePostgres is insecure for PostgreSQL.
type insecurePostgres struct {
	insecure
	owner bool
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *insecurePostgres) UnmarshalText(text []byte) error {
	*i = insecurePostgres{}
	var others []string
	for name := range strings.SplitSeq(string(text), ",") {
		if strings.TrimSpace(name) == ownerRole {
			i.owner = true
		} else {
			others = append(others, name)
		}
	}
	if i.insecure.UnmarshalText([]byte(strings.Join(others, ","))) != nil {
		return &config.ValueError{Text: "must be no-tls, no-password, " + ownerRole + ", or several of them separated by commas"}
	}
	return nil
}

// serviceRole is the database role of a service.
type serviceRole struct {
	// setting is the name of the setting with the URL.
	setting string
	url     config.PostgresURL
	allowed insecurePostgres
}

// check returns an error if the role can change the rules of its database, such as the append-only ledger. `loyalty check`
// also reports privileges that are too many or too few. It returns a readiness.UnreachableError if the database cannot be
// reached, also if the connection is lost during the check.
func (r serviceRole) check(ctx context.Context) error {
	if r.url == "" || r.allowed.owner { // notifications may use MongoDB
		return nil
	}
	pool, err := postgres.Open(ctx, string(r.url), postgres.Options{ApplicationName: "check of the role", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	var name string
	if err := pool.QueryRow(ctx, "SELECT current_user").Scan(&name); err != nil {
		return postgres.OpenError(pool.Config().ConnConfig, fmt.Errorf("read the database role: %w", err))
	}
	reasons, err := dbrole.Unsafe(ctx, postgres.SQL(pool), name)
	if err != nil {
		return postgres.OpenError(pool.Config().ConnConfig, fmt.Errorf("check the database role: %w", err))
	}
	if len(reasons) > 0 {
		return errors.New(r.setting + ": the role " + name + " " + strings.Join(reasons, "; it ") +
			". Use a role that owns nothing (see Roles of the databases in docs/runbook.md), " +
			"or allow it with LOYALTY_INSECURE_POSTGRES=" + ownerRole)
	}
	return nil
}
