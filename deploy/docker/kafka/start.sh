#!/bin/bash
# Runs a broker that is also a controller. NODE_ID is its number. The data directory is formatted once.
set -euo pipefail
umask 077
conf=/tmp/server.properties
password=$(cat /run/secrets/kafka_admin_password)
login="org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"$password\" user_admin=\"$password\";"
{
	cat /config/server.properties
	echo "node.id=$NODE_ID"
	echo "advertised.listeners=CLIENT://$HOSTNAME:9092"
	echo "listener.name.client.plain.sasl.jaas.config=$login"
	echo "listener.name.controller.plain.sasl.jaas.config=$login"
} >"$conf"
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "${CLUSTER_ID:-bG95YWx0eS1jbHVzdGVyMA}" --config "$conf"
exec /opt/kafka/bin/kafka-server-start.sh "$conf"
