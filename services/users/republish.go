package users

import "github.com/google/uuid"

// LostEvents are events that had no effect in the database of a consumer, as after a restore with an empty bus.
type LostEvents struct {
	// Registrations are the players whose registration is lost.
	Registrations []uuid.UUID
	// Statuses are the players whose last activation or deactivation is lost.
	Statuses []uuid.UUID
	// Transactions are the transactions whose event is lost.
	Transactions []uuid.UUID
}
