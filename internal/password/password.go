// Package password hashes passwords with Argon2id (RFC 9106) and verifies them. It limits the number of concurrent hashes,
// because each takes memory and a CPU core.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Params are the cost parameters of Argon2id.
type Params struct {
	// Memory is the memory of one hash in KiB.
	Memory uint32
	// Passes is the number of passes over the memory.
	Passes uint32
	// Threads is the degree of parallelism of one hash.
	Threads uint8
}

// Default returns the first recommendation of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one thread.
func Default() Params { return Params{Memory: 19 * 1024, Passes: 2, Threads: 1} }

// The maximum cost of a hash. The limits prevent a stored hash from exhausting the memory or the CPU of the process.
const (
	maxMemory = 1 << 20 // KiB
	maxPasses = 64
)

// The sizes of new salts and keys in bytes.
const (
	saltSize = 16
	keySize  = 32
)

// Validate returns an error if Argon2id or this package does not allow the parameters.
func (p Params) Validate() error {
	if p.Threads < 1 || p.Passes < 1 || p.Passes > maxPasses || p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory {
		return errors.New("argon2id needs at least 1 thread, 1 to 64 passes, and from 8 KiB per thread to 1 GiB of memory")
	}
	return nil
}

// Hasher hashes and verifies passwords. It computes at most one hash per core at a time, so that many concurrent logins use
// no more memory than the number of cores times Params.Memory. Further calls wait; see [WithQueue]. If too many calls wait,
// or if a call waits too long, it fails with RATE_LIMITED. A Hasher is safe for concurrent use.
type Hasher struct {
	params Params
	queue  queue
	// dummy is the hash of a random password. Verify uses it for users that do not exist.
	dummy string

	started, refused, waited atomic.Int64 // waited is in nanoseconds
}

// Stats describes the load of a Hasher.
type Stats struct {
	// Running is the number of hashes that are computed now. Waiting is the number of hashes that wait for a core.
	Running, Waiting int
	// Started is the number of hashes that have got a core. Waited is the time that these hashes have waited in total.
	Started int64
	Waited  time.Duration
	// Refused is the number of hashes that were refused because too many were waiting or the wait was too long.
	Refused int64
}

// Stats returns the load of h.
func (h *Hasher) Stats() Stats {
	running, waiting := h.queue.load()
	return Stats{
		Running: running, Waiting: waiting,
		Started: h.started.Load(), Waited: time.Duration(h.waited.Load()), Refused: h.refused.Load(),
	}
}

// New returns a hasher that hashes new passwords with p.
func New(p Params) (*Hasher, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	n := runtime.GOMAXPROCS(0)
	h := &Hasher{params: p, queue: queue{cores: n, free: n}}
	h.dummy = h.encode(rand.Text())
	return h, nil
}

// Hash returns the hash of a password in the PHC string format. It returns RATE_LIMITED if too many calls wait or the call
// waits too long, or the error of ctx if ctx ends first.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return h.encode(password), nil
}

// Verify reports whether hash is a hash of password. An empty hash means that the user does not exist: Verify then returns
// false after the same time as for a wrong password. It returns an error if hash is not an Argon2id hash in the PHC string
// format, RATE_LIMITED if too many calls wait, or the error of ctx if ctx ends first.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	noUser := hash == ""
	if noUser {
		hash = h.dummy
	}
	p, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	got := key(p, password, salt, len(want))
	return subtle.ConstantTimeCompare(got, want) == 1 && !noUser, nil
}

// Outdated reports whether the parameters of hash differ from those of new hashes. It returns true if hash is malformed.
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

// acquire waits for a core. The caller must call release after the hash. The errors are those of queue.acquire.
func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	start := time.Now()
	if err := h.queue.acquire(ctx); err != nil {
		if apperr.CodeOf(err) == apperr.RateLimited {
			h.refused.Add(1)
		}
		return nil, err
	}
	h.started.Add(1)
	h.waited.Add(int64(time.Since(start)))
	return h.queue.release, nil
}
