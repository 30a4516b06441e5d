package accesstoken

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// jwk is an Ed25519 key in a JWK Set (RFC 7517, RFC 8037).
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// KeyID returns the JWK thumbprint of a key (RFC 7638, RFC 8037 appendix A.3). It is the key's id in tokens and JWK Sets.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// JWKS returns a handler for GET requests that serves keys as a JWK Set. During a key rotation, pass the old and the new
// key.
func JWKS(keys ...ed25519.PublicKey) (http.Handler, error) {
	set := jwkSet{Keys: []jwk{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{
			KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k),
			KeyID: KeyID(k), Use: "sig", Algorithm: "EdDSA",
		})
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(body)
	}), nil
}

// parseJWKS returns the Ed25519 signature keys of a JWK Set by id. It ignores other keys, as RFC 7517, section 5, requires.
func parseJWKS(body []byte) (map[string]ed25519.PublicKey, error) {
	var set jwkSet
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("the response is not a JWK Set: %w", err)
	}
	keys := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if k.KeyType != "OKP" || k.Curve != "Ed25519" || k.KeyID == "" || err != nil || len(x) != ed25519.PublicKeySize {
			continue
		}
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		keys[k.KeyID] = x
	}
	return keys, nil
}
