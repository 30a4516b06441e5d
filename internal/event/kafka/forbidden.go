package kafka

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// explain adds the name of the user, and the place of the permissions, to an error that means that the brokers do not permit
// the request. It returns other errors unchanged.
func (b *Bus) explain(err error) error {
	forbidden := []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed}
	if !slices.ContainsFunc(forbidden, func(e error) bool { return errors.Is(err, e) }) {
		return err
	}
	user := "clients without a user"
	if b.cfg.Username != "" {
		user = "the user " + b.cfg.Username
	}
	return fmt.Errorf("the brokers do not permit this to %s (deploy/kafka/acls.sh grants the permissions): %w", user, err)
}
