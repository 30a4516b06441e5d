// Package topics lists what the platform's events travel on, so that whoever creates the topics forgets none.
package topics

import (
	"slices"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// All returns every topic that the schema names.
func All() []event.TopicSpec {
	return slices.Concat(usersv1event.Topics(), notificationsv1event.Topics())
}
