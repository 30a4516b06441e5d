// Package embedded runs the servers that the platform needs: PostgreSQL, Kafka or NATS, and Redis. All but PostgreSQL run
// inside this process. Each listens on 127.0.0.1 only and is independent of the others. Its documentation states what is
// lost if the process or the machine crashes.
package embedded
