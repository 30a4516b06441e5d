#!/bin/bash
# Runs a broker that is also a controller. NODE_ID is its number. The data directory is formatted once.
set -euo pipefail
conf=/tmp/server.properties
{
	cat /config/server.properties
	echo "node.id=$NODE_ID"
	echo "advertised.listeners=PLAINTEXT://$HOSTNAME:9092"
} >"$conf"
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "${CLUSTER_ID:-bG95YWx0eS1jbHVzdGVyMA}" --config "$conf"
exec /opt/kafka/bin/kafka-server-start.sh "$conf"
