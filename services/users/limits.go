package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

// Limits bound how often somebody may try, over all replicas.
type Limits struct {
	// LoginPerAccount and LoginPerAddress bound failed logins, of one e-mail and from one address.
	LoginPerAccount, LoginPerAddress ratelimit.Limit
	// RegisterPerAddress bounds registrations from one address.
	RegisterPerAddress ratelimit.Limit
}

// DefaultLimits lets people err and many of them share an address, and makes guessing hopeless: an account stands some
// 1,400 guesses a day, of 8 characters or more.
func DefaultLimits() Limits {
	return Limits{
		LoginPerAccount:    ratelimit.Limit{N: 10, Per: 10 * time.Minute},
		LoginPerAddress:    ratelimit.Limit{N: 300, Per: 15 * time.Minute},
		RegisterPerAddress: ratelimit.Limit{N: 1000, Per: time.Minute},
	}
}

// ForAddress returns the limits with both of those for an address replaced: perMinute registrations a minute, and as many
// failed logins.
func (l Limits) ForAddress(perMinute int) Limits {
	l.LoginPerAddress = ratelimit.Limit{N: perMinute, Per: time.Minute}
	l.RegisterPerAddress = l.LoginPerAddress
	return l
}

// Validate returns what is wrong with the limits.
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

// attempt is a try that counts against limits until it turns out not to be what they are for.
type attempt struct {
	limiter Limiter
	counted []counted
}

type counted struct {
	key   string
	limit ratelimit.Limit
}

// loginAttempt counts a login, or refuses it with RATE_LIMITED. It is counted before the password is looked at, so that a
// thousand guesses at once are not all early enough.
func (s *Service) loginAttempt(ctx context.Context, email string, from netip.Addr) (*attempt, error) {
	a := &attempt{limiter: s.limiter}
	if from.IsValid() { // first, so that an address that is refused cannot also lock an account
		if err := a.count(ctx, "login:address:"+addressKey(from), s.limits.LoginPerAddress); err != nil {
			return nil, err
		}
	}
	return a, a.count(ctx, "login:account:"+accountKey(email), s.limits.LoginPerAccount)
}

func (a *attempt) count(ctx context.Context, key string, limit ratelimit.Limit) error {
	if err := a.limiter.Allow(ctx, key, limit); err != nil {
		return err
	}
	a.counted = append(a.counted, counted{key, limit})
	return nil
}

// takeBackTimeout bounds how long taking an attempt back may take.
const takeBackTimeout = 5 * time.Second

// takeBack takes the attempt back, also for a caller who has gone.
func (a *attempt) takeBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	for _, c := range a.counted {
		if err := a.limiter.Refund(ctx, c.key, c.limit); err != nil {
			return err
		}
	}
	return nil
}

// accountKey names an account without showing its e-mail.
func accountKey(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return hex.EncodeToString(sum[:16])
}

// addressKey names who an address belongs to: an IPv6 host has a whole /64.
func addressKey(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
