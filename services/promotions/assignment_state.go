package promotions

import "time"

// StateAt returns the state of the assignment at now. The store selects assignments by the same rules.
func (a Assignment) StateAt(now time.Time) AssignmentState {
	switch {
	case a.Claimed:
		return AssignmentStateClaimed
	case !a.RevokedAt.IsZero():
		return AssignmentStateRevoked
	case a.expired(now):
		return AssignmentStateExpired
	default:
		return AssignmentStateAssigned
	}
}

// expired reports whether the time to claim the assignment is over.
func (a Assignment) expired(now time.Time) bool {
	return !a.ExpiresAt.IsZero() && !now.Before(a.ExpiresAt)
}
