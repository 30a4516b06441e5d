// Package embedded runs the servers that the platform needs: PostgreSQL, Kafka or NATS, and Redis. All servers except
// PostgreSQL run inside this process. Each server listens only on 127.0.0.1 and is independent of the others. The
// documentation of each server states which data is lost if the process or the machine crashes. Each server has a password,
// because other users of the machine can connect to 127.0.0.1.
package embedded

// Username is the user of the embedded Kafka and NATS.
const Username = "loyalty"
