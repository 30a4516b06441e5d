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

// KeySource knows the public keys of the issuer.
type KeySource interface {
	// Key returns the key of an id, or ErrUnknownKey. Another error says that it cannot be known right now.
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
}

// ErrUnknownKey is the error of a KeySource for an id that the issuer does not use.
var ErrUnknownKey = errors.New("the issuer has no such key")

// StaticKeys is a KeySource of keys that are known from the start.
type StaticKeys map[string]ed25519.PublicKey

// NewStaticKeys returns a source of the given keys.
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

const (
	// A document older than this is fetched anew, so that a key that was withdrawn is forgotten.
	keysMaxAge = 5 * time.Minute
	// An unknown key makes the document be fetched anew, but not again before this: ids cost an attacker nothing.
	keysMinAge   = 3 * time.Second
	keysTimeout  = 3 * time.Second
	keysMaxBytes = 64 << 10
)

// RemoteKeys is a KeySource that reads a JWK Set over HTTP when it is needed; nothing runs in the background. While the
// document cannot be fetched, the keys that were read last stay good. It is safe for concurrent use.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time

	known atomic.Pointer[keySet]

	mu      sync.Mutex // held while fetching
	tried   time.Time
	failure error // of the last fetch
}

type keySet struct {
	keys  map[string]ed25519.PublicKey
	since time.Time
}

// NewRemoteKeys returns a source that reads address, an http or https URL.
func NewRemoteKeys(address string) (*RemoteKeys, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the keys' address is no URL such as http://users:8080/.well-known/jwks.json")
	}
	return &RemoteKeys{url: address, client: &http.Client{Timeout: keysTimeout}, now: time.Now}, nil
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
		return key, nil // another call sees to a fresh one
	}
	defer r.mu.Unlock()
	key, fresh = r.lookup(kid) // another call may have fetched meanwhile
	if (key == nil || !fresh) && r.now().Sub(r.tried) >= keysMinAge {
		r.fetch(ctx)
		key, _ = r.lookup(kid)
	}
	switch {
	case key != nil:
		return key, nil
	case r.failure != nil:
		return nil, fmt.Errorf("the issuer's keys: %w", r.failure)
	}
	return nil, ErrUnknownKey
}

func (r *RemoteKeys) lookup(kid string) (key ed25519.PublicKey, fresh bool) {
	s := r.known.Load()
	if s == nil {
		return nil, false
	}
	return s.keys[kid], r.now().Sub(s.since) < keysMaxAge
}

// fetch is called with mu held.
func (r *RemoteKeys) fetch(ctx context.Context) {
	// The caller may go away, but others wait for the same document.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	keys, err := r.get(ctx)
	r.tried, r.failure = r.now(), err
	if err == nil {
		r.known.Store(&keySet{keys: keys, since: r.now()})
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
		return nil, fmt.Errorf("%s answered %s", r.url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, keysMaxBytes))
	if err != nil {
		return nil, err
	}
	return parseJWKS(body)
}
