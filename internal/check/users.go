package check

import (
	"context"
	"crypto/ed25519"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// Keys are the published keys that verify access tokens.
type Keys struct {
	// URL is the address of the keys.
	URL string
	// Signing is the key that the users service signs tokens with, or nil if the settings do not contain it.
	Signing ed25519.PrivateKey
	// Preflight is true before the users service runs.
	Preflight bool
}

// Run implements the check of the published keys.
func (c Keys) Run(ctx context.Context, r *Report) {
	keys, err := accesstoken.NewRemoteKeys(c.URL)
	if err == nil {
		err = keys.Ready(ctx)
	}
	if err != nil {
		unavailable(r, c.Preflight, err.Error(), "check LOYALTY_JWKS_URL, and that the users service runs")
		return
	}
	if len(c.Signing) == 0 {
		r.OKf("the keys are published; LOYALTY_TOKEN_KEY is not set here, so it is not compared")
		return
	}
	public, _ := c.Signing.Public().(ed25519.PublicKey)
	switch _, err := keys.Key(ctx, accesstoken.KeyID(public)); {
	case errors.Is(err, accesstoken.ErrUnknownKey):
		r.Fail("LOYALTY_TOKEN_KEY is not one of the published keys, so its access tokens are refused",
			"give all replicas of users the same key; see the rotation in the runbook")
	case err != nil:
		r.FailedTo("fetch the keys", err, "check LOYALTY_JWKS_URL, and that the users service runs")
	default:
		r.OKf("LOYALTY_TOKEN_KEY is one of the published keys")
	}
}

// Ledger is the internal listener of users.
type Ledger struct {
	Dial rpcserver.DialConfig
	// Preflight is true before the users service runs.
	Preflight bool
}

// Run implements the check of the ledger. It sends an empty transaction, which the ledger refuses after it has accepted the
// token.
func (c Ledger) Run(ctx context.Context, r *Report) {
	c.Dial.Attempts = 1
	c.Dial.PerTry = r.timeout
	conn, err := rpcserver.DialInternal(c.Dial)
	if err != nil {
		r.FailedTo("connect", err, "check LOYALTY_LEDGER_ADDRESS, LOYALTY_INTERNAL_TOKEN and LOYALTY_INTERNAL_TLS_*")
		return
	}
	defer func() { _ = conn.Close() }() // only read from
	_, err = usersv1.NewLedgerServiceClient(conn).AddTransaction(ctx, &usersv1.AddTransactionRequest{})
	switch {
	case apperr.CodeOf(rpcserver.FromStatus(err)) == apperr.ValidationFailed:
		encryption := "not encrypted"
		if c.Dial.TLS != (rpcserver.TLSFiles{}) {
			encryption = "mutual TLS"
		}
		r.OKf("the ledger answers and accepts LOYALTY_INTERNAL_TOKEN (%s)", encryption)
	case status.Code(err) == codes.Unauthenticated:
		r.Fail("the users service refuses LOYALTY_INTERNAL_TOKEN, so no claim is paid", "give users and promotions the same token")
	default:
		unavailable(r, c.Preflight, "the ledger does not answer: "+status.Convert(err).Message(),
			"check LOYALTY_LEDGER_ADDRESS and LOYALTY_INTERNAL_TLS_*, and that the users service runs and is ready")
	}
}

// unavailable reports that the users service does not answer. Before the installation this is only a warning.
func unavailable(r *Report, preflight bool, finding, action string) {
	if preflight {
		r.Warn(finding, action)
		return
	}
	r.Fail(finding, action)
}
