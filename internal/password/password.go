// Package password hashes passwords with argon2id (RFC 9106) and checks them, a bounded number at a time.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Params is what a hash costs.
type Params struct {
	// Memory in KiB, Passes over it and Threads of one hash.
	Memory  uint32
	Passes  uint32
	Threads uint8
}

// Default is the OWASP Password Storage Cheat Sheet's first choice: 19 MiB, two passes, one thread.
func Default() Params { return Params{Memory: 19 * 1024, Passes: 2, Threads: 1} }

// Bounds of what a stored hash may ask for, so that a row of the database cannot exhaust the process.
const (
	maxMemory = 1 << 20 // KiB
	maxPasses = 64
	saltSize  = 16
	keySize   = 32
)

// Validate returns what is wrong with the parameters.
func (p Params) Validate() error {
	if p.Threads < 1 || p.Passes < 1 || p.Passes > maxPasses || p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory {
		return errors.New("argon2 needs one or more passes and threads, and 8 KiB of memory a thread, up to 1 GiB")
	}
	return nil
}

// waitersPerCore is how many hashes may wait for each core before more are refused.
const waitersPerCore = 256

// Hasher hashes and checks as many passwords at a time as there are cores; others wait, and where too many wait they are
// refused with RATE_LIMITED. So a flood of logins costs no more memory than cores times Params.Memory. Safe for concurrent
// use.
type Hasher struct {
	params Params
	turns  chan struct{}
	queue  chan struct{}
	// dummy is the hash of a password that nobody has.
	dummy string
}

// New returns a hasher for new passwords of the given cost.
func New(p Params) (*Hasher, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	cores := runtime.GOMAXPROCS(0)
	h := &Hasher{params: p, turns: make(chan struct{}, cores), queue: make(chan struct{}, cores*(1+waitersPerCore))}
	h.dummy = h.encode(rand.Text())
	return h, nil
}

// Hash returns the hash of a password, in the PHC string format.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return h.encode(password), nil
}

// Verify reports whether a hash is that of the password. The empty hash, which stands for a user who does not exist, is
// nobody's and takes as long as any other. The error is the context's, RATE_LIMITED, or tells of a hash that is none.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	nobody := hash == ""
	if nobody {
		hash = h.dummy
	}
	p, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	got := key(p, password, salt, len(want))
	return subtle.ConstantTimeCompare(got, want) == 1 && !nobody, nil
}

// Outdated reports whether a hash was made at another cost than new ones are.
func (h *Hasher) Outdated(hash string) bool {
	p, _, _, err := parse(hash)
	return err != nil || p != h.params
}

func (h *Hasher) encode(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return format(h.params, salt, key(h.params, password, salt, keySize))
}

func key(p Params, password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, p.Passes, p.Memory, p.Threads, uint32(size))
}

// turn waits for one of the cores; the caller gives it back.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		busy := apperr.New(apperr.RateLimited, "too many logins at once")
		busy.RetryAfter = time.Second
		return nil, busy
	}
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
}
