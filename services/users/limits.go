package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

// Limits are the rate limits of logins and registrations. They apply to all replicas together; a zero limit is none.
type Limits struct {
	// LoginPerAccount and LoginPerAddress limit failed logins to one e-mail and from one address.
	LoginPerAccount, LoginPerAddress ratelimit.Limit
	// RegisterPerAddress limits registrations from one address.
	RegisterPerAddress ratelimit.Limit
}

// The default limits per address, in events per minute. The defaults of the settings are the same.
const (
	defaultRegistrationsPerMinute = 1000
	defaultFailedLoginsPerMinute  = 20
)

// DefaultLimits returns the limits for production. Ten failed logins in ten minutes allow about 1,400 guesses a day for one
// account. The limits per address allow many users behind one address.
func DefaultLimits() Limits {
	return Limits{LoginPerAccount: ratelimit.Limit{N: 10, Per: 10 * time.Minute}}.
		PerAddress(defaultRegistrationsPerMinute, defaultFailedLoginsPerMinute)
}

// MaxPerMinute is the maximum of a limit per address, in events per minute.
const MaxPerMinute = 60_000

// PerAddress returns the limits with other limits per address, in events per minute, from 1 to MaxPerMinute. Failed logins
// are counted over 15 minutes, as by default.
func (l Limits) PerAddress(registrations, failedLogins int) Limits {
	l.RegisterPerAddress = ratelimit.Limit{N: registrations, Per: time.Minute}
	l.LoginPerAddress = ratelimit.Limit{N: 15 * failedLogins, Per: 15 * time.Minute}
	return l
}

// Validate returns an error that names the invalid limits.
func (l Limits) Validate() error {
	var errs []error
	for _, s := range []struct {
		name  string
		limit ratelimit.Limit
	}{
		{"LoginPerAccount", l.LoginPerAccount}, {"LoginPerAddress", l.LoginPerAddress},
		{"RegisterPerAddress", l.RegisterPerAddress},
	} {
		if err := s.limit.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// refundTimeout is the timeout of an update of the limits after a login.
const refundTimeout = 5 * time.Second

// loginAttempt is a login that was counted against the limits of failed logins.
type loginAttempt struct {
	service *Service
	account string // key of the limit per account
	address string // key of the limit per address; empty if the address is unknown
	client  string // names the client in the limit per account
}

// countLogin counts a login before the password is checked, so that parallel guesses cannot exceed the limits. The error
// is RATE_LIMITED. The caller calls succeeded or refund unless the login failed because of wrong credentials.
func (s *Service) countLogin(ctx context.Context, email string, from netip.Addr) (*loginAttempt, error) {
	a := &loginAttempt{service: s, account: "login:account:" + accountKey(email), client: "unknown"}
	if from.IsValid() {
		a.client = addressKey(from)
		a.address = "login:address:" + a.client
		// The address comes first, so that a limited address cannot use up the account's limit.
		if err := s.limiter.Allow(ctx, a.address, s.limits.LoginPerAddress); err != nil {
			return nil, err
		}
	}
	return a, s.limiter.AllowShare(ctx, a.account, a.client, s.limits.LoginPerAccount)
}

// succeeded clears what the client has used of the account's limit, and refunds this login of the address's limit. The
// rest of the address's limit stays used. Otherwise the owner of one account could guess other passwords without limit.
func (a *loginAttempt) succeeded(ctx context.Context) error {
	return a.update(ctx, a.service.limiter.ClearShare)
}

// refund undoes the count of a login that did not fail because of its credentials, for example during an outage.
func (a *loginAttempt) refund(ctx context.Context) error {
	return a.update(ctx, a.service.limiter.RefundShare)
}

// update changes the account's limit with change and refunds the address's limit, even if ctx has ended.
func (a *loginAttempt) update(
	ctx context.Context, change func(ctx context.Context, key, client string, limit ratelimit.Limit) error,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
	defer cancel()
	err := change(ctx, a.account, a.client, a.service.limits.LoginPerAccount)
	if a.address != "" {
		err = errors.Join(err, a.service.limiter.Refund(ctx, a.address, a.service.limits.LoginPerAddress))
	}
	return err
}

// accountKey names an account without showing its e-mail.
func accountKey(email string) string {
	sum := sha256.Sum256([]byte(FoldEmail(email)))
	return hex.EncodeToString(sum[:16])
}

// addressKey names the owner of an address: an IPv4 address, or the /64 network of an IPv6 address.
func addressKey(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
