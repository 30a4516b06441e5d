// Package embedded runs in one process the servers that the platform otherwise finds in its environment: PostgreSQL, a
// bus that speaks Kafka's or NATS's protocol, and Redis. Each listens on 127.0.0.1 only, each is independent of the
// others and can be started beside them, and each says what a crash of the process, or of the machine, may cost.
package embedded
