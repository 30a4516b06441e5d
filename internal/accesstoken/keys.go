package accesstoken

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// KeySource returns the public keys of the issuer.
type KeySource interface {
	// Key returns the key with the given id. It returns ErrUnknownKey if the issuer has no such key. Any other error means that
	// the issuer's keys are not available.
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
	// Ready returns an error while no keys are available.
	Ready(ctx context.Context) error
}

// ErrUnknownKey is returned by KeySource.Key if the issuer has no key with the given id.
var ErrUnknownKey = errors.New("unknown key id")

// StaticKeys is a KeySource with a fixed set of keys.
type StaticKeys map[string]ed25519.PublicKey

// NewStaticKeys returns a source with the given keys.
func NewStaticKeys(keys ...ed25519.PublicKey) StaticKeys {
	s := StaticKeys{}
	for _, k := range keys {
		s[KeyID(k)] = k
	}
	return s
}

// Key implements KeySource.
func (s StaticKeys) Key(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if k, ok := s[kid]; ok {
		return k, nil
	}
	return nil, ErrUnknownKey
}

// Ready implements KeySource. It always returns nil.
func (StaticKeys) Ready(context.Context) error { return nil }

const (
	// keysMaxAge is the age at which keys are fetched again. It limits how long a withdrawn key is accepted.
	keysMaxAge = 5 * time.Minute
	// keysMinInterval is the minimum interval between two fetches. Without it, every token with an invented key id would cause
	// a request.
	keysMinInterval = 3 * time.Second
	keysTimeout     = 3 * time.Second
	keysMaxBytes    = 64 << 10
)

// RemoteKeys is a KeySource that fetches a JWK Set over HTTP on demand. It has no background goroutine. If a fetch fails, it
// keeps the previous keys. It follows no redirects, so keys come from the configured address only. It is safe for concurrent
// use.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time

	keySet atomic.Pointer[keySet]

	mu        sync.Mutex // held during a fetch
	lastFetch time.Time
	lastErr   error // of the last fetch
}

type keySet struct {
	keys      map[string]ed25519.PublicKey
	fetchedAt time.Time
}

// NewRemoteKeys returns a source that fetches the JWK Set at address. It returns an error if address is not an http or https
// URL.
func NewRemoteKeys(address string) (*RemoteKeys, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address of the JWK Set is not a URL such as http://users:8080/.well-known/jwks.json")
	}
	client := &http.Client{
		Timeout:       keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &RemoteKeys{url: address, client: client, now: time.Now}, nil
}

// Key implements KeySource.
func (r *RemoteKeys) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	key, fresh := r.lookup(kid)
	switch {
	case key != nil && fresh:
		return key, nil
	case key == nil:
		r.mu.Lock()
	case !r.mu.TryLock():
		return key, nil // another call is fetching the keys
	}
	defer r.mu.Unlock()
	key, fresh = r.lookup(kid) // another call may have fetched the keys meanwhile
	if (key == nil || !fresh) && r.now().Sub(r.lastFetch) >= keysMinInterval {
		r.fetch(ctx)
		key, _ = r.lookup(kid)
	}
	switch {
	case key != nil:
		return key, nil
	case r.lastErr != nil:
		return nil, fmt.Errorf("fetch the issuer's keys: %w", r.lastErr)
	}
	return nil, ErrUnknownKey
}

// Ready implements KeySource. If no keys have been fetched yet, it tries to fetch them, at most once per keysMinInterval.
// Its error names the address without credentials and query. After the first successful fetch it always returns nil, even if
// the address no longer responds.
func (r *RemoteKeys) Ready(ctx context.Context) error {
	if r.keySet.Load() != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keySet.Load() == nil && r.now().Sub(r.lastFetch) >= keysMinInterval {
		r.fetch(ctx)
	}
	if r.keySet.Load() != nil {
		return nil
	}
	reason := r.lastErr
	if e, ok := errors.AsType[*url.Error](reason); ok { // the text of a url.Error contains the whole address
		reason = e.Err
	}
	return fmt.Errorf("the keys at %s cannot be fetched: %s", r.address(), reason) //nolint:errorlint // the text is complete
}

// address returns the URL without credentials and query.
func (r *RemoteKeys) address() string {
	u, err := url.Parse(r.url)
	if err != nil { // cannot happen: NewRemoteKeys has parsed the URL
		return "an invalid URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (r *RemoteKeys) lookup(kid string) (key ed25519.PublicKey, fresh bool) {
	s := r.keySet.Load()
	if s == nil {
		return nil, false
	}
	return s.keys[kid], r.now().Sub(s.fetchedAt) < keysMaxAge
}

// fetch replaces the known keys. The caller holds mu.
func (r *RemoteKeys) fetch(ctx context.Context) {
	// Other calls wait for this fetch, so it continues if the caller cancels.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	keys, err := r.get(ctx)
	r.lastFetch, r.lastErr = r.now(), err
	if err == nil {
		r.keySet.Store(&keySet{keys: keys, fetchedAt: r.now()})
	}
}

func (r *RemoteKeys) get(ctx context.Context) (map[string]ed25519.PublicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %s", r.address(), resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, keysMaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > keysMaxBytes {
		return nil, fmt.Errorf("GET %s: the response exceeds %d KiB", r.address(), keysMaxBytes>>10)
	}
	return parseJWKS(body)
}
