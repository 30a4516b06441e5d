package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

// Limits are the rate limits of logins, refreshes, registrations and restrictions. Each limit applies to all replicas
// together. A zero limit allows everything.
type Limits struct {
	// LoginPerAccount limits the failed logins for one e-mail: those of each known client, and those of all other clients
	// together. LoginPerAddress limits the failed logins from one address, except those of known devices.
	LoginPerAccount, LoginPerAddress ratelimit.Limit
	// RegisterPerAddress limits registrations from one address.
	RegisterPerAddress ratelimit.Limit
	// RestrictionsPerPlayer limits the changes of restrictions by a player.
	RestrictionsPerPlayer ratelimit.Limit
	// RefreshPerSession limits the refreshes of a session. A refresh beyond it does not end the session.
	RefreshPerSession ratelimit.Limit
}

// LimitName is the name of a rate limit.
type LimitName string

// The names of the limits in Limits.
const (
	LimitLoginPerAccount    LimitName = "login_per_account"
	LimitLoginPerAddress    LimitName = "login_per_address"
	LimitRegisterPerAddress LimitName = "register_per_address"

	LimitRestrictionsPerPlayer LimitName = "restrictions_per_player"
	LimitRefreshPerSession     LimitName = "refresh_per_session"
)

// LimitNames returns all names of limits.
func LimitNames() []LimitName {
	return []LimitName{
		LimitLoginPerAccount, LimitLoginPerAddress, LimitRegisterPerAddress, LimitRestrictionsPerPlayer, LimitRefreshPerSession,
	}
}

// limited returns err. If err means that the limit is used up, it first calls the observer.
func (s *Service) limited(limit LimitName, err error) error {
	if apperr.CodeOf(err) == apperr.RateLimited {
		s.observer.Limited(limit)
	}
	return err
}

// The default limits per address, in events per minute. The settings of the service have the same defaults.
const (
	defaultRegistrationsPerMinute = 20
	defaultFailedLoginsPerMinute  = 20
)

// defaultRefreshesPerMinute is the default limit per session. A client refreshes every ten minutes, and after each load of a
// page. Package internal/limits has the same value for the documentation.
const defaultRefreshesPerMinute = 12

// DefaultLimits returns the limits for production. Ten failed logins in ten minutes allow an attacker about 1,400 guesses a
// day for one account. The limits per address are higher, because many users can share an address.
func DefaultLimits() Limits {
	return Limits{
		LoginPerAccount:       ratelimit.Limit{N: 10, Per: 10 * time.Minute},
		RestrictionsPerPlayer: ratelimit.Limit{N: 30, Per: time.Hour},
	}.
		PerAddress(defaultRegistrationsPerMinute, defaultFailedLoginsPerMinute).
		PerSession(defaultRefreshesPerMinute)
}

// MaxPerMinute is the maximum of a limit per address, in events per minute.
const MaxPerMinute = 60_000

// PerAddress returns a copy of l with other limits per address. The parameters are in events per minute, from 1 to
// MaxPerMinute. The limit of failed logins applies to 15 minutes, with 15 times the value.
func (l Limits) PerAddress(registrations, failedLogins int) Limits {
	l.RegisterPerAddress = ratelimit.Limit{N: registrations, Per: time.Minute}
	l.LoginPerAddress = ratelimit.Limit{N: 15 * failedLogins, Per: 15 * time.Minute}
	return l
}

// PerSession returns a copy of l with another limit of refreshes per minute, from 1 to MaxPerMinute. It applies to ten
// minutes, so that a client may refresh many times at once.
func (l Limits) PerSession(refreshes int) Limits {
	l.RefreshPerSession = ratelimit.Limit{N: 10 * refreshes, Per: 10 * time.Minute}
	return l
}

// Validate returns an error that names the invalid limits, or nil if all limits are valid.
func (l Limits) Validate() error {
	var errs []error
	for _, s := range []struct {
		name  string
		limit ratelimit.Limit
	}{
		{"LoginPerAccount", l.LoginPerAccount}, {"LoginPerAddress", l.LoginPerAddress},
		{"RegisterPerAddress", l.RegisterPerAddress}, {"RestrictionsPerPlayer", l.RestrictionsPerPlayer},
		{"RefreshPerSession", l.RefreshPerSession},
	} {
		if err := s.limit.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// refundTimeout is the timeout for updating the limits after a login.
const refundTimeout = 5 * time.Second

// loginAttempt is a login that was counted against the limits of failed logins.
type loginAttempt struct {
	service *Service
	account string // key of the limit per account
	address string // key of the limit per address; empty if the address is unknown
	client  string // key of the client in the limit per account; "unknown" if the address is unknown
}

// loginFrom is the origin of a login or of a change of the password.
type loginFrom struct {
	email   string
	device  string // the device token, or empty
	session uuid.UUID
	address netip.Addr
}

// countLogin counts a login before the password is checked, so that parallel guesses cannot exceed the limits. The error is
// RATE_LIMITED if a limit is used up.
//
// A client that has logged in to the account before has its own limit, so that strangers cannot lock the account. Such a
// client is a session, a device with a device token of the account, or an address. All other clients of the account share
// one limit; see identify for a third one.
//
// After a login with the right credentials, the caller must call succeeded. If the credentials could not be checked, the
// caller must call refund. After wrong credentials, the caller calls neither.
func (s *Service) countLogin(ctx context.Context, from loginFrom) (*loginAttempt, error) {
	a, err := s.identify(ctx, from)
	if err != nil {
		return nil, err
	}
	if a.address != "" {
		// Count against the limit of the address first, so that a limited address cannot use up the account's limit.
		err = s.limiter.Allow(ctx, a.address, s.limits.LoginPerAddress)
		if s.limited(LimitLoginPerAddress, err) != nil {
			return nil, err
		}
	}
	err = s.limiter.AllowShare(ctx, a.account, a.client, s.limits.LoginPerAccount)
	return a, s.limited(LimitLoginPerAccount, err)
}

// identify returns an attempt that is not yet counted.
//
// A change of the credentials, such as a new password or second factor, increments the status version of the user. All
// devices that logged in before it share one limit, and all such addresses share another one. Otherwise somebody who knew
// the old password could collect device tokens, and with each of them guess the new password or the codes. Strangers behind
// an address of the owner cannot use the limit of the devices.
func (s *Service) identify(ctx context.Context, from loginFrom) (*loginAttempt, error) {
	account := accountKey(from.email)
	a := &loginAttempt{service: s, account: "login:account:" + account, client: "unknown"}
	if from.session != uuid.Nil {
		a.client = "session:" + from.session.String()
		a.account += ":" + a.client
		return a, nil
	}
	former := "devices"
	version, known := s.devices.known(from.device, account)
	switch {
	case known:
		a.client = "device:" + accountKey(from.device)
	case from.address.IsValid():
		a.client = addressKey(from.address)
		a.address = "login:address:" + a.client
		former = "addresses"
		var err error
		if version, known, err = s.limiter.Remembers(ctx, a.account, a.client); err != nil {
			return nil, err
		}
	}
	if !known {
		return a, nil
	}
	u, err := s.store.UserByEmail(ctx, FoldEmail(from.email))
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return nil, err
	}
	if u.SessionVersion() == version {
		a.account += ":" + a.client
	} else {
		a.account += ":former:" + former
	}
	return a, nil
}

// wrongCodesPerDay is the maximum number of wrong codes of a second factor in a day, for each known client of an account and
// for all other clients together. Without it, somebody with the password could try 1,440 codes a day for ever.
const wrongCodesPerDay = 50

// tryCode calls use, which checks a code. The error is that of use, or RATE_LIMITED if there were too many wrong codes.
func (a *loginAttempt) tryCode(ctx context.Context, use func() error) error {
	key, limit := "code:"+a.account, ratelimit.Limit{N: wrongCodesPerDay, Per: 24 * time.Hour}
	if err := a.service.limiter.Allow(ctx, key, limit); err != nil {
		return a.service.limited(LimitLoginPerAccount, err)
	}
	err := use()
	if apperr.CodeOf(err) != apperr.MfaCodeInvalid {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
		defer cancel()
		_ = a.service.limiter.Refund(ctx, key, limit) // if it fails, the code counts as wrong
	}
	return err
}

// succeeded clears all logins of the client from the account's limit, but only this login from the address's limit. The
// address's earlier failures still count. Otherwise the owner of one account could log in to clear them, and so guess the
// passwords of other accounts without a limit.
func (a *loginAttempt) succeeded(ctx context.Context) error {
	return a.update(ctx, a.service.limiter.ClearShare)
}

// refund removes the login from both limits. It is for logins whose credentials could not be checked, for example during an
// outage.
func (a *loginAttempt) refund(ctx context.Context) error {
	return a.update(ctx, a.service.limiter.RefundShare)
}

// update calls change for the account's limit, and refunds this login to the address's limit. It does both even if ctx has
// ended.
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

// rememberAddress makes the address a known client of the account. It ignores failures, because the login does not need it.
func (s *Service) rememberAddress(ctx context.Context, email string, address netip.Addr, version int64) {
	if address.IsValid() {
		_ = s.limiter.Remember(ctx, "login:account:"+accountKey(email), addressKey(address), version, DeviceLifetime)
	}
}

// accountKey returns a hash of the folded e-mail, so that the keys of the limits do not reveal e-mails.
func accountKey(email string) string {
	sum := sha256.Sum256([]byte(FoldEmail(email)))
	return hex.EncodeToString(sum[:16])
}

// addressKey returns the part of an address that identifies a client: a whole IPv4 address, or the /64 network of an IPv6
// address.
func addressKey(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
