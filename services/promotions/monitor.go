package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// MonitorStore persists the effects of ledger entries, and anomalies. Methods are safe for concurrent use and return errors
// as [Store] does.
type MonitorStore interface {
	// RecordEntry records an entry of the ledger in one transaction. It marks the entry's assignment as claimed, if the
	// assignment matches the entry and is not claimed yet. If the assignment is not claimed and r.Confirmed is false,
	// RecordEntry changes nothing and sets Recorded.Unconfirmed. For the first delivery of the event it also counts the entry
	// in its window, calls r.Judge with the result, and stores the anomalies that are new for their rule, subject and window.
	RecordEntry(ctx context.Context, r RecordParams) (Recorded, error)
	// Anomalies lists anomalies, newest first.
	Anomalies(ctx context.Context, f AnomalyFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Anomaly], error)
	// MarkAnomalySeen marks an anomaly as seen by an employee, unless it is already seen, and returns it.
	MarkAnomalySeen(ctx context.Context, id, employee uuid.UUID, at time.Time) (Anomaly, error)
}

// RecordParams are the parameters of [MonitorStore.RecordEntry].
type RecordParams struct {
	EventID     string
	Transaction Transaction
	// Assignment is the idempotency key of a credit, which may be the id of an assignment. It is uuid.Nil if the entry is not a
	// credit, or if its key is not a UUID in canonical form.
	Assignment uuid.UUID
	// Promotion is the promotion of a credit, or uuid.Nil.
	Promotion uuid.UUID
	// Window is the window that counts the entry. It is zero if the entry is not counted.
	Window Window
	// EarlierFrom is the start of the first window that Observation.Earlier.Entries includes. The store sets
	// Observation.Earlier only if the promotion has at least EarlierMinimum credits in Window.
	EarlierFrom    time.Time
	EarlierMinimum int64
	// Confirmed is true if the ledger has confirmed the entry.
	Confirmed bool
	// ClaimedAt is the time that the store records for the claim if the assignment is not claimed yet.
	ClaimedAt time.Time
	// Judge returns the anomalies that the entry reveals. It may be called again after a conflict.
	Judge func(Observation) ([]Anomaly, error)
}

// Recorded is the result of [MonitorStore.RecordEntry].
type Recorded struct {
	// Unconfirmed is true if the entry was not recorded, because the ledger must confirm it first.
	Unconfirmed bool
	// Assignment is nil if no assignment has the entry's key.
	Assignment *PaidAssignment
	// Anomalies are the new anomalies.
	Anomalies []Anomaly
}

// EntryReader reads transactions from the ledger.
type EntryReader interface {
	// Transaction returns the player's transaction with the idempotency key. Errors: NOT_FOUND, DEPENDENCY_UNAVAILABLE.
	Transaction(ctx context.Context, player uuid.UUID, key string) (Transaction, error)
}

// Monitor processes the entries of the ledger. It repairs claims, finds anomalies and manages them. It is safe for
// concurrent use.
type Monitor struct {
	store  MonitorStore
	ledger EntryReader
	rules  AnomalyRules
	alert  func(context.Context, Anomaly)
	now    func() time.Time
}

// NewMonitor returns a monitor. It calls alert for each new anomaly, after the anomaly is stored. Production code passes
// time.Now as now.
func NewMonitor(
	store MonitorStore, ledger EntryReader, rules AnomalyRules, alert func(context.Context, Anomaly), now func() time.Time,
) *Monitor {
	return &Monitor{store: store, ledger: ledger, rules: rules, alert: alert, now: clock.Stored(now, time.Microsecond)}
}
