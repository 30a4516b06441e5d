package accesstoken_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// activeSessions is a set of sessions. Services use a sessionredis.Store.
type activeSessions map[uuid.UUID]bool

func (s activeSessions) Active(_ context.Context, session uuid.UUID) (bool, error) {
	return s[session], nil
}

// The users service issues tokens and serves its public key. Another service verifies the tokens.
func Example() {
	const issuer, audience = "https://loyalty.example", "loyalty"
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := accesstoken.NewIssuer(private, issuer, audience)
	if err != nil {
		log.Fatal(err)
	}
	jwks, err := accesstoken.JWKS(public)
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(jwks)

	keys, err := accesstoken.NewRemoteKeys(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	session := uuid.New()
	sessions := activeSessions{session: true}
	verifier, err := accesstoken.NewVerifier(issuer, audience, keys, sessions)
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	token, _, err := tokens.Issue(authn.Grant{
		User: uuid.New(), Role: authn.RolePlayer, Session: session, End: time.Now().Add(time.Hour),
	})
	if err != nil {
		log.Fatal(err)
	}
	caller, err := verifier.Authenticate(ctx, token)
	fmt.Println(caller.Role, err)

	delete(sessions, session)
	_, err = verifier.Authenticate(ctx, token)
	fmt.Println(apperr.CodeOf(err))
	server.Close()
	// Output:
	// PLAYER <nil>
	// TOKEN_REVOKED
}

// ParsePublicKeys also accepts a private key, and returns its public key.
func ExampleParsePublicKeys() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := accesstoken.EncodePrivateKey(private)
	if err != nil {
		log.Fatal(err)
	}
	keys, err := accesstoken.ParsePublicKeys(text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(keys), accesstoken.KeyID(keys[0]) == accesstoken.KeyID(public))
	// Output: 1 true
}
