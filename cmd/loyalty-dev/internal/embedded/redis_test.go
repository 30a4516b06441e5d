package embedded_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
)

func TestRedisExpiresKeys(t *testing.T) {
	ctx := deadline(t)
	r, err := embedded.StartRedis(password)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	checkLoopback(t, r.Addr())
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{r.Addr()}, Password: password, DisableCache: true, AlwaysRESP2: true, ForceSingleClient: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	start := time.Now()
	const ttl = 500 * time.Millisecond
	for _, key := range []string{"short", "long"} {
		life := map[string]time.Duration{"short": ttl, "long": time.Hour}[key]
		if err := client.Do(ctx, client.B().Set().Key(key).Value("v").Px(life).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	for {
		err := client.Do(ctx, client.B().Get().Key("short").Build()).Error()
		if rueidis.IsRedisNil(err) {
			break
		}
		if err != nil {
			t.Fatalf("the key did not expire: %v", err)
		}
	}
	if lived := time.Since(start); lived < ttl/2 {
		t.Errorf("the key with a TTL of %v expired after %v, want %v or more", ttl, lived, ttl/2)
	}
	if err := client.Do(ctx, client.B().Get().Key("long").Build()).Error(); err != nil {
		t.Errorf("the key with a TTL of one hour: %v, want no error", err)
	}
}
