package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/totp"
)

// Enrolment is a new second factor. It is shown to the user once.
type Enrolment struct {
	Secret, URI   string
	RecoveryCodes []string
}

// EnrolTotp begins the enrolment of a second factor. An earlier enrolment that was not confirmed is replaced. The error is
// MFA_ALREADY_ACTIVE if the user has an active factor.
func (s *Service) EnrolTotp(ctx context.Context, user uuid.UUID) (Enrolment, error) {
	u, err := s.store.User(ctx, user)
	if err != nil {
		return Enrolment{}, err
	}
	secret := totp.NewSecret()
	f := SecondFactor{User: user, CreatedAt: s.now()}
	if f.Secret, err = s.factorKeys.seal(user, secret); err != nil {
		return Enrolment{}, err
	}
	e := Enrolment{Secret: secret.String(), URI: secret.URI(factorIssuer, u.Email)}
	e.RecoveryCodes, f.RecoveryCodes = s.factorKeys.newRecoveryCodes(user)
	stored, err := s.store.EnrolSecondFactor(ctx, f)
	switch {
	case err != nil:
		return Enrolment{}, err
	case !stored:
		return Enrolment{}, alreadyActive()
	}
	return e, nil
}

// ConfirmTotp activates the enrolled second factor and ends all other sessions of the user, which began without it. Errors:
// MFA_CODE_INVALID, which counts as a failed login, MFA_ALREADY_ACTIVE, NOT_FOUND without an enrolment, and RATE_LIMITED.
//
// If the session store cannot be reached after the commit, ConfirmTotp returns DEPENDENCY_UNAVAILABLE, and
// [Service.EndMarkedSessions] ends the sessions later.
func (s *Service) ConfirmTotp(ctx context.Context, user, session uuid.UUID, code string) error {
	err := s.withFactor(ctx, user, session, code, func(f SecondFactor) error {
		switch {
		case f.Active:
			return alreadyActive()
		case f.User == uuid.Nil:
			return apperr.New(apperr.NotFound, "no enrolment of a second factor has begun")
		}
		return nil
	}, s.store.ConfirmSecondFactor)
	if err != nil {
		return err
	}
	// The sessions must end even if the caller has disconnected.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	u, err := s.store.User(ctx, user)
	if err != nil || !u.SessionsToEnd { // without the mark, EndMarkedSessions has already ended them
		return err
	}
	return s.endSessions(ctx, u)
}

// VerifyTotp presents the second factor in a session; see [Service.FreshFactor]. Errors: MFA_CODE_INVALID, which counts as a
// failed login, NOT_FOUND without an active factor, and RATE_LIMITED.
func (s *Service) VerifyTotp(ctx context.Context, user, session uuid.UUID, code string) error {
	return s.withFactor(ctx, user, session, code, mustBeActive, s.store.UseSecondFactor)
}

// DisableTotp removes the second factor of a user. The errors are those of VerifyTotp.
func (s *Service) DisableTotp(ctx context.Context, user, session uuid.UUID, code string) error {
	return s.withFactor(ctx, user, session, code, mustBeActive, s.store.DisableSecondFactor)
}

func mustBeActive(f SecondFactor) error {
	if !f.Active {
		return noFactor()
	}
	return nil
}

// withFactor calls use with a proof of the user's factor, if check accepts the factor and the code is right. It counts a
// wrong code as a failed login. The function use returns false if the code was used before.
func (s *Service) withFactor(
	ctx context.Context, user, session uuid.UUID, code string, check func(SecondFactor) error,
	use func(context.Context, FactorProof) (bool, error),
) error {
	u, err := s.store.User(ctx, user)
	if err != nil {
		return err
	}
	attempt, err := s.countLogin(ctx, loginFrom{email: u.Email, session: session})
	if err != nil {
		return s.recordFailure(ctx, audit.Change{Target: user}, session.String(), err)
	}
	f, err := s.store.SecondFactor(ctx, user)
	if err == nil {
		err = check(f)
	}
	if err == nil {
		err = attempt.tryCode(ctx, func() error { return s.useFactor(ctx, f, code, session, use) })
	}
	if err == nil {
		return attempt.succeeded(ctx)
	}
	if apperr.CodeOf(err) == apperr.MfaCodeInvalid {
		s.observer.LoginFailed(apperr.MfaCodeInvalid)
		return s.recordFailure(ctx, audit.Change{Target: user}, session.String(), err)
	}
	_ = attempt.refund(ctx) // err matters more
	if apperr.CodeOf(err) == apperr.RateLimited {
		return s.recordFailure(ctx, audit.Change{Target: user}, session.String(), err)
	}
	return err
}

// useFactor compares a code with a factor and uses it up. The error is MFA_CODE_INVALID if the code is wrong or was used
// before.
func (s *Service) useFactor(
	ctx context.Context, f SecondFactor, code string, session uuid.UUID, use func(context.Context, FactorProof) (bool, error),
) error {
	proof, err := s.prove(f, code, session)
	if err != nil {
		return err
	}
	used, err := use(ctx, proof)
	if err == nil && !used {
		err = wrongCode() // a concurrent call has used it
	}
	return err
}

// ResetTotp removes the second factor of another user. It does nothing if the user has none. Errors: NOT_FOUND if there is
// no such user, and FORBIDDEN for the caller's own id.
func (s *Service) ResetTotp(ctx context.Context, caller, user uuid.UUID) error {
	if caller == user {
		return apperr.New(apperr.Forbidden, "admins cannot reset their own second factor; disable it with a code")
	}
	if _, err := s.store.User(ctx, user); err != nil {
		return err
	}
	return s.store.ResetSecondFactor(ctx, user)
}
