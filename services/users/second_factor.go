package users

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/totp"
)

// SecondFactor is the second factor of an employee. The zero value means that the user has none.
type SecondFactor struct {
	User uuid.UUID
	// Secret is the encrypted secret.
	Secret []byte
	// RecoveryCodes are the MACs of the recovery codes that were not used.
	RecoveryCodes []string
	// Active is false until the enrolment is confirmed.
	Active bool
	// LastStep is the time step of the last code that was accepted.
	LastStep int64
	// VerifiedSession is the session in which a code was accepted last, at VerifiedAt.
	VerifiedSession uuid.UUID
	VerifiedAt      time.Time
	CreatedAt       time.Time
}

// FactorProof is a code of a second factor that is right unless it was used before. The store compares and uses it up in one
// step.
type FactorProof struct {
	User uuid.UUID
	// Secret is the encrypted secret that the code was compared with.
	Secret []byte
	// Step is the time step of the code, or zero for a recovery code.
	Step int64
	// RecoveryCode is the MAC of the recovery code, or empty for a time-based code.
	RecoveryCode string
	// Session is the session in which the code is used, at the time At.
	Session uuid.UUID
	At      time.Time
}

const (
	recoveryCodes = 10
	// recoverySize is the number of characters of a recovery code, without the hyphen. They have 50 random bits.
	recoverySize = 10
	factorIssuer = "Loyalty"
)

// factorKeys encrypt the secrets of second factors and compute the MACs of recovery codes. The first key is used for new
// factors; the others are accepted.
type factorKeys []factorKey

type factorKey struct {
	aead cipher.AEAD
	mac  []byte
}

// newFactorKeys derives the keys from secrets that the database does not hold.
func newFactorKeys(secrets [][]byte) (factorKeys, error) {
	var keys factorKeys
	for _, secret := range secrets {
		derived, err := hkdf.Key(sha256.New, secret, nil, "loyalty second factor v1", 64)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived[:32])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		keys = append(keys, factorKey{aead, derived[32:]})
	}
	return keys, nil
}

// seal encrypts a secret. The result decrypts only for the same user, so a row cannot be copied to another user.
func (keys factorKeys) seal(user uuid.UUID, secret totp.Secret) ([]byte, error) {
	if len(keys) == 0 {
		return nil, errors.New("second factors have no key")
	}
	return keys[0].aead.Seal(nil, nil, secret, user[:]), nil //nolint:gosec // Seal generates the nonce
}

func (keys factorKeys) open(f SecondFactor) (totp.Secret, error) {
	for _, k := range keys {
		if secret, err := k.aead.Open(nil, nil, f.Secret, f.User[:]); err == nil {
			return secret, nil
		}
	}
	return nil, errors.New("no key of LOYALTY_LEDGER_KEY and LOYALTY_LEDGER_OTHER_KEYS decrypts the second factor")
}

// recoveryMAC returns the MAC of a recovery code.
func (k factorKey) recoveryMAC(user uuid.UUID, code string) string {
	h := hmac.New(sha256.New, k.mac)
	h.Write(user[:])
	h.Write([]byte(strings.ToUpper(code)))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil))
}

// newRecoveryCodes returns new recovery codes and their MACs.
func (keys factorKeys) newRecoveryCodes(user uuid.UUID) (codes, macs []string) {
	for range recoveryCodes {
		random := make([]byte, 8)
		_, _ = rand.Read(random) // never fails, see crypto/rand
		text := base32.StdEncoding.EncodeToString(random)[:recoverySize]
		code := text[:recoverySize/2] + "-" + text[recoverySize/2:]
		codes, macs = append(codes, code), append(macs, keys[0].recoveryMAC(user, code))
	}
	return codes, macs
}

// prove compares a code with a factor. The error is MFA_CODE_INVALID if the code is wrong or was used before.
func (s *Service) prove(f SecondFactor, code string, in uuid.UUID) (FactorProof, error) {
	proof := FactorProof{User: f.User, Secret: f.Secret, Session: in, At: s.now()}
	if strings.Contains(code, "-") {
		for _, k := range s.factorKeys {
			if mac := k.recoveryMAC(f.User, code); slices.Contains(f.RecoveryCodes, mac) {
				proof.RecoveryCode = mac
				return proof, nil
			}
		}
		return FactorProof{}, wrongCode()
	}
	secret, err := s.factorKeys.open(f)
	if err != nil {
		return FactorProof{}, err
	}
	step, ok := secret.Match(code, proof.At, f.LastStep)
	if !ok {
		return FactorProof{}, wrongCode()
	}
	proof.Step = step
	return proof, nil
}

// FreshFactor returns MFA_REQUIRED if the caller has an active second factor but did not present it recently in the session.
// It returns FORBIDDEN if the caller has none although second factors are required.
func (s *Service) FreshFactor(ctx context.Context, caller authn.Caller) error {
	f, err := s.store.SecondFactor(ctx, caller.UserID)
	switch {
	case err != nil:
		return err
	case !f.Active && s.factorRequired:
		return apperr.New(apperr.Forbidden, "a second factor is required: enrol it first")
	case f.Active && (f.VerifiedSession != caller.Session || s.now().Sub(f.VerifiedAt) >= s.factorFreshness):
		return apperr.New(apperr.MfaRequired, "present the second factor again")
	}
	return nil
}

// needsEnrolment reports whether a user may only enrol a second factor.
func (s *Service) needsEnrolment(ctx context.Context, u User) (bool, error) {
	if !s.factorRequired || u.Role == authn.RolePlayer {
		return false, nil
	}
	f, err := s.store.SecondFactor(ctx, u.ID)
	return !f.Active, err
}

func wrongCode() error {
	return apperr.New(apperr.MfaCodeInvalid, "the code is wrong or was used before")
}

func noFactor() error { return apperr.New(apperr.NotFound, "the user has no active second factor") }

func alreadyActive() error {
	return apperr.New(apperr.MfaAlreadyActive, "the user has an active second factor; disable it first")
}
