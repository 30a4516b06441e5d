package password_test

import (
	"context"
	"fmt"
	"log"

	"github.com/casino-loyalty/loyalty/internal/password"
)

func ExampleHasher() {
	ctx := context.Background()
	hasher, err := password.New(password.Default())
	if err != nil {
		log.Fatal(err)
	}
	normalized, err := password.Normalize("correct horse")
	if err != nil {
		log.Fatal(err)
	}
	hash, err := hasher.Hash(ctx, normalized)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hash[:31])
	fmt.Println(hasher.Verify(ctx, hash, normalized))
	fmt.Println(hasher.Verify(ctx, hash, "battery staple"))
	fmt.Println(hasher.Verify(ctx, "", normalized)) // the user does not exist
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1$
	// true <nil>
	// false <nil>
	// false <nil>
}

// A hash with old parameters is replaced at the next login of its user.
func ExampleHasher_Outdated() {
	ctx := context.Background()
	old, err := password.New(password.Params{Memory: 8 * 1024, Passes: 1, Threads: 1})
	if err != nil {
		log.Fatal(err)
	}
	hash, err := old.Hash(ctx, "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	current, err := password.New(password.Default())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(current.Verify(ctx, hash, "correct horse"))
	fmt.Println(current.Outdated(hash))
	// Output:
	// true <nil>
	// true
}

func ExampleNormalize() {
	composed, err := password.Normalize("p\u00e4ssword")
	if err != nil {
		log.Fatal(err)
	}
	decomposed, err := password.Normalize("pa\u0308ssword")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(composed == decomposed)

	_, err = password.Normalize("pass\x00word")
	fmt.Println(err)
	// Output:
	// true
	// the password is empty or contains a control, invisible or unassigned character
}
