package kafka

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestUnreachable(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no answer":                             {context.DeadlineExceeded, true},
		"brokers without a controller":          {kerr.NotController, true},
		"wrong password":                        {kerr.SaslAuthenticationFailed, false},
		"too few brokers":                       {kerr.InvalidReplicationFactor, false},
		"no right to create topics":             {kerr.TopicAuthorizationFailed, false},
		"broker that expects TLS or a password": {&kgo.ErrFirstReadEOF{}, false},
	} {
		if got := unreachable(fmt.Errorf("kafka: %w", tt.err)); got != tt.want {
			t.Errorf("%s: unreachable = %t, want %t", name, got, tt.want)
		}
	}
}
