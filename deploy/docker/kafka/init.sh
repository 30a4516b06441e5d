#!/bin/bash
# Creates the Kafka users of the services and of the operator, and gives them their permissions. It can run again: it then
# replaces the passwords.
set -euo pipefail
umask 077
export PATH=$PATH:/opt/kafka/bin
brokers=kafka-0:9092,kafka-1:9092,kafka-2:9092
conf=/tmp/admin.properties
cat >"$conf" <<-CONF
	security.protocol=SASL_PLAINTEXT
	sasl.mechanism=PLAIN
	sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="$(cat /run/secrets/kafka_admin_password)";
CONF
for user in users promotions notifications operator; do
	# In a file, because other processes see the arguments.
	echo "SCRAM-SHA-512=password=$(cat "/run/secrets/kafka_${user}_password")" >/tmp/user.properties
	kafka-configs.sh --bootstrap-server "$brokers" --command-config "$conf" --alter \
		--entity-type users --entity-name "loyalty-$user" --add-config-file /tmp/user.properties
done
sh /permissions/acls.sh --bootstrap-server "$brokers" --command-config "$conf"
